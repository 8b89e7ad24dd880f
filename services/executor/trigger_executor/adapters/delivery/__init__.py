"""How the deliver role reaches receivers: HTTP, name servers, and subjects of the broker."""
