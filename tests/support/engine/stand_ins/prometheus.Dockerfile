FROM python:3.13-slim-trixie
RUN mkdir /prometheus && chown 65534:65534 /prometheus
COPY prometheus /bin/prometheus
USER 65534
VOLUME /prometheus
WORKDIR /prometheus
EXPOSE 9090
ENTRYPOINT ["/bin/prometheus"]
