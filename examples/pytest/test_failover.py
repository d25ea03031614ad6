"""Run by `pytest examples/pytest`: this test, and `primary-kill.drill.yaml` as one of its own."""
from pathlib import Path

FILE = Path(__file__).with_name("primary-kill.drill.yaml")


def test_a_patient_sentinel_is_too_slow(drill):
    ended = drill(FILE, **{"stack.redis.settings.down-after": "30s"})
    assert ended.verdict == "fail" and ended.figures["rto"]["state"] == "missed", str(ended)
