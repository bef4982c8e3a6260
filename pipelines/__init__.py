"""Ray Data jobs: sources, embedding, re-scoring, ranking, training."""

import os

# Ray reads this when it is imported. A local Ray warns on the terminal that it runs more processes
# than the machine has cores, which is what we want of it.
os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", "worker processes have been started on node")
