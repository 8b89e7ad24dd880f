#!/usr/bin/python3 -SI
import os
import socket
import sys

with socket.create_connection(("127.0.0.1", 6379), timeout=3) as server:
    if password := os.environ.get("REDISCLI_AUTH"):
        server.sendall(f"AUTH {password}\r\n".encode())
        server.recv(4096)
    server.sendall(" ".join(sys.argv[1:]).encode() + b"\r\n")
    print(server.recv(4096).decode().strip().lstrip("+-"))
