"""Names of the candidate losses."""

from typing import Literal

CandidateLossName = Literal["naive", "cc", "rc", "lws", "cavl"]
