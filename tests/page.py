"""What tests of the page share: opening it, drawing on it, and what it shows."""

import base64
import re
from collections.abc import Callable, Iterator

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from tests.browser import move
from ui.texts import ENGLISH

expect.set_options(timeout=20_000)  # a machine that does much else can be slow

ENDPOINT = "**/recognize"
NETWORK = re.compile(r"/network(/\w+\.bin)?$")
NETWORK_FILE = "**/network/*.bin"
PHONE = {"viewport": {"width": 375, "height": 667}, "has_touch": True, "is_mobile": True}

# Whether the paper stands where it stood three frames before: what loads late moves it.
STAYS = """async () => {
    const place = () => JSON.stringify(document.querySelector(".paper").getBoundingClientRect());
    const before = place();
    for (let i = 0; i < 3; i++) await new Promise(requestAnimationFrame);
    return place() === before;
}"""


SAYS = "document.documentElement.dataset"  # what the page is about, for programs
ANSWERED = f"{SAYS}.drawing === {SAYS}.answered"
HAS_NETWORK = f"{SAYS}.reader"


# Notes, once the page can be seen, what is on the paper: window.seen, a list of what was there
# together, "ink" or "hint", whenever it changes. Ink that has all but faded is not seen.
WATCH = """{
    window.seen = [];
    const isThere = (node) => node?.checkVisibility({ visibilityProperty: true });
    const small = new OffscreenCanvas(50, 50).getContext("2d", { willReadFrequently: true });
    const hasInk = (canvas) => {
        small.clearRect(0, 0, 50, 50);
        small.drawImage(canvas, 0, 0, 50, 50);
        const { data } = small.getImageData(0, 0, 50, 50);
        return data.some((value, i) => i % 4 === 3 && value > 100);
    };
    const look = () => {
        const canvas = document.querySelector(".paper canvas");
        const hint = document.querySelector(".hint");
        const things = [];
        if (isThere(canvas) && canvas.width && hasInk(canvas)) things.push("ink");
        if (isThere(hint) && hint.textContent) things.push("hint");
        if (things.length && String(things) !== String(seen.at(-1))) seen.push(things);
        next();
    };
    const next = () => requestAnimationFrame(() => setTimeout(look)); // when the frame is painted
    next();
}"""


# So that no example draws itself first; there is no storage in empty pages.
NO_EXAMPLE = "try { localStorage.setItem('draw-a-digit:visited', 'yes'); } catch {}"


# Leaves no room in localStorage: a character more is refused.
FILL = """() => {
    for (let size = 2 ** 23; size >= 1; size /= 2) {
        try {
            localStorage.setItem("other", (localStorage.getItem("other") ?? "") + "x".repeat(size));
        } catch {
            // half of it may fit
        }
    }
}"""


def open_page(page: Page, address: str, has_network: bool = True) -> None:
    """Open the page and wait until it can be drawn on, and reads by itself if it ever will."""
    if not has_network:
        page.route(NETWORK, lambda route: route.abort())
    page.add_init_script(NO_EXAMPLE)
    page.goto(address, timeout=120_000)
    wait_for(page, "'drawing' in document.documentElement.dataset")  # its script has run
    wait_for(page, STAYS)
    if has_network:
        wait_for(page, HAS_NETWORK)
    # Chromium drops what is done with the mouse before it has shown a page.
    page.evaluate("addEventListener('pointermove', () => (window.feels = true), { once: true })")
    for _ in range(3000):
        page.mouse.move(1, 1)
        page.mouse.move(2, 2)
        if page.evaluate("window.feels"):
            break
        page.wait_for_timeout(20)


def wait_for(page: Page, expression: str, argument: object = None) -> object:
    """Its value, once it is true. Playwright's own way evaluates text, which the page forbids."""
    for _ in range(800):
        if value := page.evaluate(expression, argument):
            return value
        page.wait_for_timeout(25)
    raise TimeoutError(f"this did not become true: {expression}")


def wait_until_answered(page: Page) -> None:
    """Until what the page shows is about what is on the paper."""
    settle(page)
    wait_for(page, ANSWERED)


def wait_until_replayed(page: Page) -> None:
    """Until a drawing that draws itself is complete, and so in the address."""
    wait_for(page, "location.hash !== ''")
    wait_until_answered(page)


def strokes_on(page: Page) -> list[list[list[int]]]:
    """The strokes on the paper, out of the page's address, where the pen is up."""
    settle(page)
    code = page.evaluate("location.hash").partition("#drawing=1.")[2]
    numbers = _numbers(base64.urlsafe_b64decode(code + "=" * (-len(code) % 4)))
    strokes, x, y = [], 0, 0
    for count in numbers:
        stroke = []
        for _ in range(count):
            x, y = x + _signed(next(numbers)), y + _signed(next(numbers))
            stroke.append([x, y])
        strokes.append(stroke)
    return strokes


def _numbers(content: bytes) -> Iterator[int]:
    """Variable-length integers: seven bits a byte, the lowest first."""
    number = shift = 0
    for byte in content:
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            yield number
            number = shift = 0


def _signed(number: int) -> int:
    return -(number + 1) // 2 if number & 1 else number // 2


def probabilities(page: Page) -> list[float]:
    """What the bars show, to a thousandth."""
    wait_until_answered(page)
    meters = page.locator(".meter").evaluate_all("meters => meters.map((m) => m.ariaValueNow)")
    return [float(value) / 100 for value in meters]


def seen_pixels(page: Page) -> list[int]:
    """The 784 grey values that the page shows as what the network saw."""
    wait_until_answered(page)
    settle(page)
    return page.locator("#insight .saw").evaluate(
        """canvas => [...canvas.getContext("2d").getImageData(0, 0, 28, 28).data]
            .filter((_, i) => i % 4 === 0)"""
    )


def wait_until(page: Page, condition: Callable[[], object]) -> None:
    for _ in range(600):
        if condition():
            return
        page.wait_for_timeout(100)
    raise TimeoutError("what was waited for did not come")


def record_requests(page: Page) -> list[str]:
    """The addresses that the page asks for from now on."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    return asked


def settle(page: Page) -> None:
    """Let the page do what follows at once from what it was told: two frames of it."""
    page.evaluate("new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))")


def paper(page: Page) -> Locator:
    return page.locator(".paper canvas")


def tool(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def pen_down(page, point) -> None:
    move(page, point)
    page.mouse.down()


def send_pointer(page, kind, pointer, device, x, y, pressure=0, button=0) -> None:
    """A pointer event as `device` ("pen", "touch") would send it, at parts of the paper's side."""
    paper(page).evaluate(
        """(canvas, [type, pointerId, pointerType, x, y, pressure, button]) => {
            canvas.setPointerCapture = () => {};  // these pointers exist in tests alone
            const box = canvas.getBoundingClientRect();
            canvas.dispatchEvent(new PointerEvent(type, { pointerId, pointerType, pressure, button,
                bubbles: true, clientX: box.x + x * box.width, clientY: box.y + y * box.height }));
        }""",
        [kind, pointer, device, x, y, pressure, button],
    )


class Fingers:
    """Touches on the paper, in parts of its width and height."""

    def __init__(self, page) -> None:
        self.box = paper(page).bounding_box()
        self.session = page.context.new_cdp_session(page)

    def send(self, kind: str, *points) -> None:
        """`kind` is touchStart, touchMove or touchEnd; `points` are the fingers now down."""
        box = self.box
        places = [{"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"], "id": i}
                  for i, (x, y) in enumerate(points)]  # fmt: skip
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})


def between(start, end, part: float) -> tuple[float, float]:
    return tuple(a + (b - a) * part for a, b in zip(start, end, strict=True))


class Gate:
    """Holds the page's requests back until it is opened."""

    def __init__(self, page) -> None:
        self.held, self.is_open = [], False
        page.route(ENDPOINT, lambda route: self.pass_on(route))

    def pass_on(self, route) -> None:
        if self.is_open:
            route.continue_()
        else:
            self.held.append(route)

    def open(self) -> None:
        self.is_open = True
        for route in self.held:
            route.continue_()

    def answer_first(self, digit: int) -> None:
        """Answer the request that has waited longest, as if the network were sure of `digit`."""
        answer = {"probabilities": [0.1] * 10, "runner_up": 0, "verdict": "sure", "digit": digit}
        self.held.pop(0).fulfill(json=answer)


def record_shown(page) -> None:
    """Note from now on what the page answers: window.shown, a text for each answer."""
    page.evaluate(
        """() => {
            window.shown = [];
            const digit = document.querySelector(".answer .digit");
            new MutationObserver(() => shown.push(digit.textContent)).observe(
                document.documentElement, { attributeFilter: ["data-prediction"] });
        }"""
    )


def bar(page, digit):
    return page.locator(f'[data-digit="{digit}"] [role="meter"]')


def expect_leader(page, digit) -> None:
    expect(page.locator(".bar.leading")).to_have_attribute("data-digit", str(digit))
    expect(page.locator(".answer .digit")).to_have_text(str(digit))


def expect_empty(page) -> None:
    expect(page.locator(".hint")).to_be_visible()
    expect(page.locator(".bar.leading")).to_have_count(0)
    expect(page.locator(".answer .digit")).to_have_text("?")
    for digit in range(10):
        expect(bar(page, digit)).to_have_attribute("aria-valuenow", "0.0")


def ink(page) -> int:
    """How many of the canvas's pixels carry ink."""
    return paper(page).evaluate(
        """async canvas => {
            await new Promise(requestAnimationFrame);  // what is about to be painted
            const image = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            return image.data.filter((value, i) => i % 4 === 3 && value > 0).length;
        }"""
    )


def expect_accessible(page: Page) -> None:
    """No serious violation of the rules for everybody, with all of the page unfolded."""
    page.locator("#insight summary").click()
    page.locator("#about .card > summary").click()
    page.evaluate("Promise.all(document.getAnimations().map((movement) => movement.finished))")
    violations = Axe().run(page).response["violations"]
    serious = [v for v in violations if v["impact"] in ("serious", "critical")]
    assert [(v["help"], [node["target"] for node in v["nodes"]]) for v in serious] == []


def english_in(words: str) -> list[str]:
    """The page's English texts among `words`, but for the offer to change to English."""
    texts = {key: text for key, text in ENGLISH.items() if key != "language_name"}
    return [text for text in texts.values() if re.search(rf"\b{re.escape(text)}\b", words)]
