"""Twenty images, labeled by keyboard alone."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from poolscore.labels.answer import Abstain, Answer, Candidates, Label
from poolscore.store.batches import get_batch
from poolscore.store.records import BatchState
from tests.ops.review.shop import ANNOTATOR, PHOTOS, RANKED, Shop, all_sent, begin, sign_in

SIZE = 20

# What the catalog must hold of an event: item, answer, and which event it takes back.
Expected = list[tuple[str, Answer | None, int | None]]


class Annotator:
    """Presses keys, and notes what they must have done."""

    def __init__(self, page: Page, items: list[str]) -> None:
        """Look at the first of `items`."""
        self.page, self.items, self.expected = page, items, Expected()

    def press(self, *keys: str) -> None:
        """Press one key after another."""
        for key in keys:
            self.page.keyboard.press(key)

    def classes(self) -> list[str]:
        """Of the present image, as the digits name them."""
        return self.page.locator("#classes .name").all_inner_texts()

    def place(self) -> int:
        """Of the present image, from 0."""
        return int(self.page.locator("#place").inner_text().split()[1]) - 1

    def note(self, answer: Answer) -> None:
        """The present image must have this answer next."""
        self.expected.append((self.items[self.place()], answer, None))

    def note_undone(self) -> None:
        """The last event must be taken back next."""
        self.expected.append((self.expected[-1][0], None, len(self.expected)))

    def accept(self) -> None:
        """The predicted class."""
        self.note(Label(self.page.locator("#predicted").inner_text()))
        self.press("Enter")

    def digit(self) -> None:
        """The second class."""
        self.note(Label(self.classes()[1]))
        self.press("2")

    def candidates_by_digits(self) -> None:
        """The third and the first class; one that is added twice is not among them."""
        names = self.classes()
        self.note(Candidates((names[2], names[0])))
        self.press("Shift+Digit3", "Shift+Digit2", "Shift+Digit1", "Shift+Digit2", "Enter")

    def candidates_by_space(self) -> None:
        """The second and the third class."""
        names = self.classes()
        self.note(Candidates((names[1], names[2])))
        self.press("ArrowDown", "Space", "ArrowDown", "Space", "Enter")

    def cannot_tell(self) -> None:
        """No class."""
        self.note(Abstain())
        self.press("?")

    def typed(self) -> None:
        """A class by the beginning of its name."""
        self.note(Label("owl"))
        self.press("/")
        self.page.keyboard.type("Ow")
        self.press("Enter")

    def undone(self, key: str) -> None:
        """A wrong answer, taken back, and another one."""
        self.digit()
        self.note_undone()
        self.press(key)
        self.accept()

    def corrected(self) -> None:
        """An answer, then another one to the same image; the second is taken back."""
        place = self.place()
        self.accept()
        self.press("ArrowLeft")
        assert self.place() == place
        self.note(Abstain())
        self.press("?")
        before = self.expected[-2]
        # What was said before is in force again.
        self.expected.append(before)
        self.press("u", "ArrowRight")


def test_twenty_images_by_keyboard(shop: Shop, page: Page, pictures: Path) -> None:
    sign_in(page, shop.url, shop.token().text)
    begin(page, PHOTOS, SIZE)
    expect(page.locator("#frame img")).to_be_visible()
    expect(page.locator("#classes")).to_be_focused()
    batch = get_batch(shop.service.catalog, PHOTOS, 1)
    annotator = Annotator(page, [item.item_id for item in batch.items])
    steps: dict[int, Callable[[], None]] = {
        2: annotator.digit,
        4: annotator.candidates_by_digits,
        6: annotator.cannot_tell,
        8: lambda: annotator.undone("u"),
        10: annotator.typed,
        12: annotator.candidates_by_space,
        14: lambda: annotator.undone("Control+z"),
        16: annotator.corrected,
    }
    for number in range(SIZE):
        assert annotator.place() == number
        if number == 5:
            expect(page.locator("#frame img")).to_be_visible()
            page.screenshot(path=pictures / "labeling.png")
        steps.get(number, annotator.accept)()
    expect(page.get_by_role("heading", name="Batch done")).to_be_focused()
    expect(page.locator("#done-text")).to_contain_text(
        "20 answers: 17 with one label, 2 with candidates, 1 that you could not tell"
    )
    expect(page.get_by_role("img", name="Accuracy on held-out labels")).to_be_visible()
    page.screenshot(path=pictures / "done.png", full_page=True)
    all_sent(page)
    events = shop.events(PHOTOS)
    assert [(e.item_id, e.answer, e.retracts) for e in events] == annotator.expected
    assert {(event.annotator, event.batch) for event in events} == {(ANNOTATOR, 1)}
    assert get_batch(shop.service.catalog, PHOTOS, 1).state is BatchState.DONE
    page.keyboard.press("n")
    expect(page.locator("#place")).to_have_text("Image 1 of 4")


def test_the_evidence_is_told_and_orders_the_classes(shop: Shop, page: Page) -> None:
    sign_in(page, shop.url, shop.token().text)
    begin(page, RANKED, 5)
    expect(page.locator("#evidence")).to_contain_text("Second: ")
    second = page.locator("#classes .note").nth(1)
    expect(second).to_contain_text("second, ")
    runner_up = page.locator("#classes .name").nth(1).inner_text()
    assert f"Second: {runner_up}, " in page.locator("#evidence").inner_text()
    page.keyboard.press("2")
    all_sent(page)
    assert shop.events(RANKED)[0].answer == Label(runner_up)


def test_a_reload_loses_nothing(shop: Shop, page: Page) -> None:
    pool = shop.seed("reloaded")
    sign_in(page, shop.url, shop.token().text)
    begin(page, pool, 5)
    expect(page.locator("#place")).to_have_text("Image 1 of 5")
    page.keyboard.press("1")
    page.keyboard.press("?")
    page.reload()
    expect(page.locator("#place")).to_have_text("Image 3 of 5")
    page.keyboard.press("u")
    page.keyboard.press("2")
    all_sent(page)
    expect(page.locator("#strip")).to_contain_text("cat")
    said = [event.answer for event in shop.events(pool)]
    assert said[:3] == [Label("cat"), Abstain(), None]
    assert isinstance(said[3], Label)


def test_keys_that_are_held_down_answer_once(shop: Shop, page: Page) -> None:
    pool = shop.seed("held")
    sign_in(page, shop.url, shop.token().text)
    begin(page, pool, 5)
    expect(page.locator("#place")).to_have_text("Image 1 of 5")
    for _ in range(3):
        page.keyboard.down("1")
    page.keyboard.up("1")
    all_sent(page)
    expect(page.locator("#place")).to_have_text("Image 2 of 5")
    assert len(shop.events(pool)) == 1


def test_a_click_answers_and_several_are_chosen_by_mouse(shop: Shop, page: Page) -> None:
    pool = shop.seed("clicked")
    sign_in(page, shop.url, shop.token().text)
    begin(page, pool, 5)
    page.get_by_role("option", name="owl").click()
    expect(page.locator("#place")).to_have_text("Image 2 of 5")
    page.get_by_role("button", name="One of several").click()
    for name in ("cat", "owl"):
        page.get_by_role("option", name=name).click()
    page.get_by_role("button", name="Send 2 candidates").click()
    expect(page.locator("#place")).to_have_text("Image 3 of 5")
    page.get_by_role("button", name="Image 5").click()
    page.get_by_role("button", name="Cannot tell").click()
    all_sent(page)
    answers = [event.answer for event in shop.events(pool)]
    assert answers == [Label("owl"), Candidates(("cat", "owl")), Abstain()]
