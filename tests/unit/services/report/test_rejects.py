from poolscore.images.reject import RejectReason
from services.report.rejects import reject_rows


def test_every_reason_is_explained_and_an_unknown_one_is_kept() -> None:
    rows = reject_rows({str(reason): 1 for reason in RejectReason} | {"NEW_REASON": 3})
    assert [(row.reason, row.meaning, row.count) for row in rows[:1]] == [("NEW_REASON", "", 3)]
    assert all(row.meaning for row in rows[1:])
    assert [row.reason for row in rows[1:]] == sorted(RejectReason)
