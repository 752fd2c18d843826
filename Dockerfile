# The function as an image, for those who run it on Cloud Run by themselves: docs/reference.md says how. Terraform needs
# none: Cloud Functions builds the same files.
FROM python:3.13-slim AS packages
COPY requirements.txt /requirements.txt
RUN python -m venv /packages && \
    /packages/bin/pip install --no-cache-dir --no-compile --require-hashes -r /requirements.txt

FROM python:3.13-slim
COPY --from=packages /packages /packages
WORKDIR /function
COPY main.py requirements.txt ./
COPY scanner_sync ./scanner_sync
ENV PATH=/packages/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    FUNCTION_TARGET=sync_http \
    PORT=8080
# Nobody, by number. It writes to /tmp only.
USER 65534
CMD ["functions-framework"]
