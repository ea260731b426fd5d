"""What tests of the page share: opening it, drawing on it, and what it shows."""

from collections.abc import Callable

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from tests.browser import move

expect.set_options(timeout=20_000)  # a machine that does much else can be slow

ENDPOINT = "**/recognize"
NETWORK = "**/network"  # and its file below it
NETWORK_FILE = "**/network/*.bin"
PHONE = {"viewport": {"width": 375, "height": 667}, "has_touch": True, "is_mobile": True}

# Whether the paper stands where it stood three frames before: what loads late moves it.
STAYS = """async () => {
    const place = () => JSON.stringify(document.querySelector(".paper").getBoundingClientRect());
    const before = place();
    for (let i = 0; i < 3; i++) await new Promise(requestAnimationFrame);
    return place() === before;
}"""


# What the page was told last: window.drawn and window.read.
LISTEN = """() => {
    document.addEventListener("drawing", (event) => (window.drawn = event.detail));
    document.addEventListener("prediction", (event) => (window.read = event.detail));
}"""


# Tells when the network is read: what follows its file's arrival at once has been done then.
TELL_NETWORK = """{
    const { arrayBuffer } = Response.prototype;
    Response.prototype.arrayBuffer = async function () {
        const content = await arrayBuffer.call(this);
        if (this.ok && this.url.endsWith(".bin")) setTimeout(() => (window.hasNetwork = true));
        return content;
    };
}"""
HAS_NETWORK = "window.hasNetwork"


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
        requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
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
    page.add_init_script(TELL_NETWORK)
    page.goto(address, timeout=120_000)
    expect(page.locator(".result")).to_be_visible()
    expect(page.locator(".hint strong")).not_to_be_empty()  # its script has run
    expect(page.locator("#about .card > summary")).to_be_visible()  # the last part of the page
    page.wait_for_function(STAYS)
    page.evaluate(LISTEN)
    if has_network:
        page.wait_for_function(HAS_NETWORK)
    # Chromium drops what is done with the mouse before it has shown a page.
    page.evaluate("addEventListener('pointermove', () => (window.feels = true), { once: true })")
    for _ in range(3000):
        page.mouse.move(1, 1)
        page.mouse.move(2, 2)
        if page.evaluate("window.feels"):
            break
        page.wait_for_timeout(20)


def wait_until_answered(page: Page) -> None:
    """Until what the page shows is about the strokes that are on the paper."""
    page.wait_for_function(
        "JSON.stringify(window.drawn?.strokes) === JSON.stringify(window.read?.strokes ?? [])"
    )


def wait_until_replayed(page: Page) -> None:
    """Until a drawing that draws itself is complete, and so in the address."""
    page.wait_for_function("location.hash !== ''")
    wait_until_answered(page)


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
    """Note from now on what the page shows: window.shown, a digit or null for each answer."""
    page.evaluate(
        """() => {
            window.shown = [];
            document.addEventListener("prediction",
                (event) => shown.push(event.detail?.digit ?? null));
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
        expect(bar(page, digit)).to_have_attribute("aria-valuenow", "10.0")


def ink(page) -> int:
    """How many of the canvas's pixels carry ink."""
    return paper(page).evaluate(
        """async canvas => {
            await new Promise(requestAnimationFrame);  // what is about to be painted
            const image = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            return image.data.filter((value, i) => i % 4 === 3 && value > 0).length;
        }"""
    )


def log_in_by_form(page: Page, address: str) -> None:
    """Open a page whose password is ann:chalk, and wait until it can be drawn on."""
    page.goto(address)
    page.get_by_label("username").fill("ann")
    page.get_by_label("password").fill("chalk")
    page.get_by_role("button", name="Login").click()
    expect(page.locator(".hint strong")).not_to_be_empty()


def expect_accessible(page: Page) -> None:
    """No serious violation of the rules for everybody, with all of the page unfolded."""
    page.locator("#insight summary").click()
    page.locator("#about .card > summary").click()
    page.evaluate("Promise.all(document.getAnimations().map((movement) => movement.finished))")
    violations = Axe().run(page).response["violations"]
    serious = [v for v in violations if v["impact"] in ("serious", "critical")]
    assert [(v["help"], [node["target"] for node in v["nodes"]]) for v in serious] == []
