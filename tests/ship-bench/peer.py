"""Sends lines to CloudWatch Logs as others do, for tests/bench-ship: `peer.py watchtower|boto3 GROUP FILE`.

watchtower is the handler that Python programs use; boto3 is the SDK alone, with as much in a call as the service takes.
"""

import logging
import sys
import time

import boto3
import watchtower

MAX_EVENTS = 10_000
MAX_BYTES = 1_048_576
# What the service counts for each event beside its bytes.
OVERHEAD = 26


def by_watchtower(group, lines):
    handler = watchtower.CloudWatchLogHandler(
        log_group_name=group,
        log_stream_name="watchtower",
        boto3_client=boto3.client("logs"),
        create_log_group=False,
    )
    logger = logging.getLogger("peer")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(handler)
    for line in lines:
        logger.info(line)
    handler.flush()
    handler.close()


def by_boto3(group, lines):
    client = boto3.client("logs")
    client.create_log_stream(logGroupName=group, logStreamName="boto3")
    batch, size = [], 0

    def put():
        client.put_log_events(logGroupName=group, logStreamName="boto3", logEvents=batch)

    now = int(time.time() * 1000)
    for line in lines:
        length = len(line.encode()) + OVERHEAD
        if len(batch) == MAX_EVENTS or size + length > MAX_BYTES:
            put()
            batch, size = [], 0
        batch.append({"timestamp": now, "message": line})
        size += length
    put()


if __name__ == "__main__":
    how, group, path = sys.argv[1:]
    with open(path, encoding="utf-8", newline="\n") as file:
        lines = file.read().splitlines()
    {"watchtower": by_watchtower, "boto3": by_boto3}[how](group, lines)
