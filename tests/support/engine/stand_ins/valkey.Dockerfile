FROM python:3.13-slim-trixie
RUN echo 'valkey:x:999:999::/data:/bin/sh' >>/etc/passwd \
 && echo 'valkey:x:999:' >>/etc/group \
 && mkdir /data && chown valkey:valkey /data
COPY valkey-server.real valkey-server valkey-cli /usr/local/bin/
WORKDIR /data
VOLUME /data
EXPOSE 6379
CMD ["valkey-server"]
