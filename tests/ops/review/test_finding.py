"""Finding a class among hundreds by typing."""

from playwright.sync_api import Page

from tests.ops.review.shop import Shop

CLASSES = [*(f"thing {number}" for number in range(500)), "Sea otter", "otter", "café", "scooter"]


def test_the_best_match_comes_first(shop: Shop, page: Page) -> None:
    page.goto(shop.url)
    for typed, first, total in (
        ("thing 4", ["thing 4", "thing 40", "thing 41"], 111),
        (" OTTER ", ["otter", "Sea otter"], 2),
        ("ott", ["otter", "Sea otter"], 2),
        ("oter", ["scooter"], 1),
        ("cafe", ["café"], 1),
        ("zebra", [], 0),
    ):
        names, count = page.evaluate(
            """async ([classes, typed]) => {
                const { indexed, matching } = await import("./choices.js");
                const { first, total } = matching(indexed(classes), typed);
                return [first.map((each) => each.label), total];
            }""",
            [CLASSES, typed],
        )
        assert (names[:3], count) == (first, total)
        assert len(names) == min(total, 50)
