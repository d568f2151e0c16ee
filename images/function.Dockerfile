# One function and nothing else:
#   docker build -f images/function.Dockerfile --build-arg FUNCTION=poll -t dev.local/claude-monitor-poll:dev .
FROM python:3.13-slim-trixie
# Docker Hub's image leaves out the byte code of the standard library, two thirds of a start's time.
RUN python -m compileall -q -x '/(site|dist)-packages/|/(test|idlelib|tkinter|turtledemo|ensurepip)/' \
 "$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"
ARG FUNCTION
ENV FUNCTION=$FUNCTION PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
COPY requirements/$FUNCTION.txt requirements.txt
RUN python -m venv --without-pip /venv \
 && pip --python /venv/bin/python install --no-cache-dir --only-binary=:all: --require-hashes -r requirements.txt
# Not all of functions/: an edit of one function makes a new revision of no other.
COPY functions/*.py functions/
COPY functions/core functions/core
COPY functions/clients functions/clients
COPY functions/providers functions/providers
COPY functions/channels functions/channels
COPY functions/stores functions/stores
COPY functions/$FUNCTION functions/$FUNCTION
# A start without byte code takes four times as long, and a read-only root cannot write it later.
RUN python -m compileall -q --invalidation-mode unchecked-hash functions
USER 65532:65532
EXPOSE 8080
CMD ["sh", "-c", "exec python -m functions.serve \"$FUNCTION\""]
