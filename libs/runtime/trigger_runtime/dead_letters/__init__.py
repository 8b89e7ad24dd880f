"""What could not be handled: kept with its reason (``writer``), and handled again when somebody
asks (``redriving``), as if it had just been delivered (``redelivery``).
"""
