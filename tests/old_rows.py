"""Rows of a catalog as the first schemas held them, in SQL that SQLite and PostgreSQL both read."""

_DAY = "'2026-01-02 03:04:05.678901'"
_D = f"'{'d' * 64}'"

FIRST = (
    f"""INSERT INTO pools VALUES ('pets', 'Pets', '["cat", "dog"]', 'a {{}}',
    '{{"model": "embedded", "pretrained": "", "precision": "fp32"}}', {_D}, 'entropy',
    5, 3, 1, {_DAY}, {_DAY}, 1, 0, 1)""",
    f"""INSERT INTO runs VALUES ('pets', 1, 'EMBED', '{{"source": "/photos"}}', 'r1', 'SUCCEEDED',
    '{{"total": 2, "done": 2}}', '[]', '', 4, 'w', 1, FALSE, {_DAY}, {_DAY}, {_DAY}, {_DAY}, 1, 0,
    1)""",
    f"""INSERT INTO runs VALUES ('pets', 2, 'TRAIN', '{{}}', 'r2', 'FAILED', '{{}}', '[]',
    'Grüße, 你好', 2, '', 0, TRUE, {_DAY}, NULL, NULL, NULL, NULL, NULL, NULL)""",
    f"INSERT INTO snapshots VALUES ('pets', 1, 'm.json', {_D}, 2, 0, {_D}, 1, {_DAY})",
    f"""INSERT INTO prompt_versions VALUES ('pets', 0, {_D}, 'p', 0, 0, NULL, '{{"a": 0.1}}',
    {_DAY})""",
    f"""INSERT INTO rankings VALUES ('pets', 1, 1, 0, 'entropy', '{{"k": 1}}', 9007199254740993,
    '0.1.0', {_D}, 'r', {_D}, 2, {_DAY})""",
    f"INSERT INTO batches VALUES ('pets', 1, 'ann', 2, 'b1', 'OPEN', {_DAY}, {_DAY}, 1, 0)",
    """INSERT INTO batch_items VALUES
    ('pets', 1, 0, 'a', '/a.jpg', 0.1, 'unsure', 1, 0.3, 0.2, 1e-300, 1.0),
    ('pets', 1, 1, 'b', '/b.jpg', 0.0, 'unsure', 0, 0.3, 0.2, 0.7, 1.0)""",
    f"INSERT INTO item_leases VALUES ('pets', 'b', 1, {_DAY})",
    f"""INSERT INTO label_events VALUES
    ('pets', 1, 'a', 'LABEL', '["cat"]', '', 'ann', 1, {_DAY}, 1, 0.3, 0.2, 1e-300, 1.0, 0),
    ('pets', 2, 'c', 'ABSTAIN', '[]', 'dark', '', NULL, {_DAY}, NULL, NULL, NULL, NULL, NULL,
    NULL)""",
    f"INSERT INTO label_requests VALUES ('pets', 'l1', {_D}, '[[1, \"\", \"\"]]', {_DAY})",
    "INSERT INTO effective_answers VALUES ('pets', 'a', 1), ('pets', 'c', 2)",
)
"""Statements for revision 0001."""

SECOND = (
    f"""INSERT INTO neighbour_graphs VALUES ('pets', 1, 'g', {_D}, 5, 2, '{{"recall": 1.0}}',
    {_DAY})""",
)
"""Further ones for revision 0002."""
