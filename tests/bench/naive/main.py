"""The poll function as one would write it first: every client imported at the top, the SDK's own
decorator, `requests` for the check and for the event."""

import os
import time

import functions_framework
import influxdb_client
import jwt
import pymysql
import redis
import requests
import sendgrid
import sqlalchemy
import sqlalchemy.orm
from cloudevents.conversion import to_binary
from cloudevents.http import CloudEvent

CLIENTS = (influxdb_client, jwt, pymysql, redis, sendgrid, sqlalchemy.orm)
"""What a poll of another provider, or another function in the same image, would use."""


@functions_framework.cloud_event
def poll(event: CloudEvent) -> None:
    began = time.time()
    answer = requests.get(event.data["url"], timeout=10)
    reading = {"status": answer.status_code, "latency": (time.time() - began) * 1000}
    attributes = {"type": "reading", "source": "naive", "id": event["id"]}
    headers, body = to_binary(CloudEvent(attributes, reading))
    requests.post(
        os.environ["BROKER_URL"], data=body, headers=headers, timeout=10
    ).raise_for_status()
