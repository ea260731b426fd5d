"""Helpers for browser tests: open the page, draw on it and read what it shows."""

import base64
import io
import re
from collections.abc import Callable, Iterator

import numpy as np
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser import draw, move
from tests.drawings import DRAWINGS
from ui.texts import ENGLISH

expect.set_options(timeout=20_000)  # milliseconds, for a busy machine

ENDPOINT = "**/recognize"
NETWORK = re.compile(r"/network(/\w+\.bin)?$")
NETWORK_FILE = "**/network/*.bin"
PHONE = {"viewport": {"width": 375, "height": 667}, "has_touch": True, "is_mobile": True}
SEVEN_LINK = "#drawing=1.A9gEuAOgBgDzA4gJ"
SLANTED = [[(0.36, 0.29), (0.58, 0.25), (0.5, 0.75)]]  # the network reads 7, a person may read 1

SAYS = "document.documentElement.dataset"  # the page's state, for programs

# True once the paper has stood still for three frames: what loads late can move it.
STAYS = """async () => {
    const place = () => JSON.stringify(document.querySelector(".paper").getBoundingClientRect());
    const before = place();
    for (let i = 0; i < 3; i++) await new Promise(requestAnimationFrame);
    return place() === before;
}"""

# Records in window.seen what was visible on the paper, "ink" or "hint", whenever that changes.
WATCH = """{
    window.seen = [];
    const isThere = (node) => node?.checkVisibility({ visibilityProperty: true });
    const small = new OffscreenCanvas(50, 50).getContext("2d", { willReadFrequently: true });
    const hasInk = (canvas) => {
        small.clearRect(0, 0, 50, 50);
        small.drawImage(canvas, 0, 0, 50, 50);
        const { data } = small.getImageData(0, 0, 50, 50);
        return data.some((value, i) => i % 4 === 3 && value > 100); // not what has all but faded
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
    const next = () => requestAnimationFrame(() => setTimeout(look)); // after the frame is painted
    next();
}"""

# Prevents the demonstration of a first visit. Not before the document is parsed: where a script
# uses localStorage earlier, Chromium now and then loses all that the page stores afterwards.
NO_EXAMPLE = """document.addEventListener("readystatechange", () => {
    try {
        localStorage.setItem("draw-a-digit:visited", "yes");
    } catch {
        // Empty pages have no storage, and tests may refuse it.
    }
}, { once: true });"""


def open_page(page: Page, address: str, has_network: bool = True) -> None:
    """Open `address` and wait until the page can be drawn on.

    Without `has_network` the page cannot load the network and asks the server for predictions.
    """
    if not has_network:
        page.route(NETWORK, lambda route: route.abort())
    page.add_init_script(NO_EXAMPLE)
    page.goto(address, timeout=120_000)
    wait_for(page, f"'drawing' in {SAYS}")  # the page's script has run
    wait_for(page, STAYS)
    if has_network:
        wait_for(page, f"{SAYS}.reader")
    # Chromium drops mouse input before it has shown the first frame.
    page.evaluate("addEventListener('pointermove', () => (window.feels = true), { once: true })")
    for _ in range(3000):
        page.mouse.move(1, 1)
        page.mouse.move(2, 2)
        if page.evaluate("window.feels"):
            break
        page.wait_for_timeout(20)


def wait_for(page: Page, expression: str, argument: object = None) -> object:
    """Return the value of `expression` once it is truthy.

    Playwright's own wait_for_function evaluates text in the page, which the page's policy forbids.
    """
    for _ in range(800):
        if value := page.evaluate(expression, argument):
            return value
        page.wait_for_timeout(25)
    raise TimeoutError(f"this did not become true: {expression}")


def wait_until(page: Page, condition: Callable[[], object]) -> None:
    """Wait until `condition` holds, while the page goes on."""
    for _ in range(600):
        if condition():
            return
        page.wait_for_timeout(100)
    raise TimeoutError("the condition did not become true")


def wait_until_answered(page: Page) -> None:
    """Wait until the prediction shown is about the drawing on the paper."""
    settle(page)
    wait_for(page, f"{SAYS}.drawing === {SAYS}.answered")


def picture(image: np.ndarray, mode: str = "PNG", size: tuple[int, int] = (280, 280)) -> dict:
    """Return a file to upload: grey values, dark on light, as a photograph of paper would be."""
    buffer = io.BytesIO()
    Image.fromarray(255 - image).resize(size).save(buffer, mode)
    return {"name": "a", "mimeType": f"image/{mode.lower()}", "buffer": buffer.getvalue()}


def correct(page: Page, digit: int) -> None:
    """Say that what was read is wrong, and which digit it is."""
    settle(page)  # what is still drawn would close what is open
    tool(page, "No").click()
    page.locator(".digits button").nth(digit).click()


def settle(page: Page) -> None:
    """Let two frames pass, in which the page does what follows at once."""
    page.evaluate("new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))")


def record_requests(page: Page) -> list[str]:
    """Return a list to which the addresses of the page's requests are added from now on."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    return asked


def paper(page: Page) -> Locator:
    return page.locator(".paper canvas")


def tool(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def pen_down(page: Page, point: tuple[float, float]) -> None:
    move(page, point)
    page.mouse.down()


def send_pointer(page, kind, pointer, device, x, y, pressure=0, button=0) -> None:
    """Dispatch a pointer event of `device` ("pen", "touch"); x and y are parts of the paper."""
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
    """Real touches on the paper."""

    def __init__(self, page: Page) -> None:
        self.box = paper(page).bounding_box()
        self.session = page.context.new_cdp_session(page)

    def send(self, kind: str, *points: tuple[float, float]) -> None:
        """Send touchStart, touchMove or touchEnd; `points`, in parts of the paper, are now down."""
        box = self.box
        places = [{"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"], "id": i}
                  for i, (x, y) in enumerate(points)]  # fmt: skip
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})


def scribble(page: Page, strokes: int, points: int) -> None:
    """Draw lines from edge to edge by pointer events, as fast as they can be sent."""
    paper(page).evaluate(
        """(canvas, [strokes, points]) => {
            canvas.setPointerCapture = () => {};  // this pointer exists in tests alone
            const box = canvas.getBoundingClientRect();
            const send = (type, x, y) => canvas.dispatchEvent(new PointerEvent(type, { pointerId: 1,
                clientX: box.x + x * box.width, clientY: box.y + y * box.height }));
            for (let i = 0; i < strokes; i++) {
                const y = 0.05 + (0.9 * i) / strokes;
                send("pointerdown", 0, y);
                for (let j = 0; j < points; j++) send("pointermove", j % 2, y + j / 20000);
                send("pointerup", 0.5, y);
            }
        }""",
        [strokes, points],
    )


def strokes_on(page: Page) -> list[list[list[int]]]:
    """Return the strokes on the paper, decoded from the page's address."""
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
    """Decode variable-length integers: seven bits a byte, the lowest first."""
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
    """Return what the ten bars show, to a thousandth."""
    wait_until_answered(page)
    meters = page.locator(".meter").evaluate_all("meters => meters.map((m) => m.ariaValueNow)")
    return [float(value) / 100 for value in meters]


def pixels(page: Page, name: str = "saw") -> list[list[int]]:
    """Return red, green, blue and alpha of the 784 pixels of an explanation's picture."""
    wait_until_answered(page)
    settle(page)
    values = page.locator(f"#insight canvas.{name}").evaluate(
        """canvas => [...canvas.getContext("2d").getImageData(0, 0, 28, 28).data]"""
    )
    return [values[i : i + 4] for i in range(0, len(values), 4)]


def ink(page: Page) -> int:
    """Return how many of the canvas's pixels carry ink."""
    return paper(page).evaluate(
        """async canvas => {
            await new Promise(requestAnimationFrame);  // what is about to be painted
            const image = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            return image.data.filter((value, i) => i % 4 === 3 && value > 0).length;
        }"""
    )


def record_shown(page: Page) -> None:
    """Record in window.shown the text of each answer from now on."""
    page.evaluate(
        """() => {
            window.shown = [];
            const digit = document.querySelector(".answer .digit");
            new MutationObserver(() => shown.push(digit.textContent)).observe(
                document.documentElement, { attributeFilter: ["data-prediction"] });
        }"""
    )


def expect_leader(page: Page, digit: int) -> None:
    expect(page.locator(".bar.leading")).to_have_attribute("data-digit", str(digit))
    expect(page.locator(".answer .digit")).to_have_text(str(digit))


def draw_digit(page: Page, digit: int) -> None:
    """Draw a digit and wait until it is read."""
    draw(page, DRAWINGS[digit])
    expect_leader(page, digit)


def expect_empty(page: Page) -> None:
    expect(page.locator(".hint")).to_be_visible()
    expect(page.locator(".bar.leading")).to_have_count(0)
    expect(page.locator(".answer .digit")).to_have_text("?")
    values = "meters => meters.map((meter) => meter.ariaValueNow)"
    assert page.locator(".meter").evaluate_all(values) == ["0.0"] * 10


def expect_accessible(page: Page, is_stage: bool = False) -> None:
    """Unfold all of the page and expect no serious violation of the accessibility rules."""
    folded = page.locator("#stage summary:visible" if is_stage else "#about .card > summary")
    for summary in folded.all():
        summary.click()
    expect_no_violation(page)


def expect_no_violation(page: Page) -> None:
    """Expect no serious violation of the accessibility rules."""
    page.evaluate("Promise.all(document.getAnimations().map((movement) => movement.finished))")
    violations = Axe().run(page).response["violations"]
    serious = [v for v in violations if v["impact"] in ("serious", "critical")]
    assert [(v["help"], [node["target"] for node in v["nodes"]]) for v in serious] == []


def english_in(words: str) -> list[str]:
    """Return the page's English texts among `words`, but for the offer to change to English."""
    texts = {key: text for key, text in ENGLISH.items() if key != "language_name"}
    return [text for text in texts.values() if re.search(rf"\b{re.escape(text)}\b", words)]
