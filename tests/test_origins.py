"""Pages of other sites, and names that a client makes up, before the whole site."""

import httpx
import pytest
from playwright.sync_api import expect

from serving.errors import Refusal
from serving.middleware import SECURITY_HEADERS
from serving.origins import check_origin, others
from serving.reloader import ModelReloader
from tests.browser import draw
from tests.conftest import ROOT, app_main, serving, site
from tests.drawings import DRAWINGS
from tests.page import expect_leader, log_in_by_form

EVIL = "https://evil.example"
DRAWING = {"strokes": DRAWINGS[7]}
FOREIGN = [
    {"origin": EVIL},
    {"origin": EVIL, "sec-fetch-site": "cross-site"},
    {"origin": "http://testserver", "sec-fetch-site": "cross-site"},
    {"origin": "http://testserver:8000", "sec-fetch-site": "same-site"},  # another port
    {"origin": "http://other.testserver", "sec-fetch-site": "same-site"},
    {"origin": "http://testserver.evil.example"},
    {"origin": "http://testserver@evil.example"},
    {"origin": EVIL, "x-forwarded-host": "evil.example"},
    {"origin": EVIL, "x-gradio-server": EVIL},
    {"origin": "null"},
    {"origin": ""},
    {"origin": "http://["},
    {"origin": "null", "host": "null"},
    {"origin": "", "host": ""},
    {"sec-fetch-site": "cross-site"},
    {"origin": "https://huggingface.co"},  # only on Spaces
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_pages_of_other_sites_change_nothing_and_read_nothing(client, headers):
    for method, path in [("POST", "/recognize"), ("DELETE", "/corrections"), ("PUT", "/login"),
                         ("POST", "/gradio_api/call/predict"), ("POST", "/logout")]:  # fmt: skip
        answer = client.request(method, path, json=DRAWING, headers=headers)
        assert answer.status_code == 403, (method, path)
        assert "page of another site" in answer.json()["error"]
    asks = {"access-control-request-method": "POST", "access-control-request-headers": "x-token"}
    answers = [
        client.get("/", headers=headers),  # a link to the page, and what a frame of it loads
        client.get("/config", headers=headers),
        client.options("/recognize", headers={**headers, **asks}),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 405]
    for answer in answers:
        assert not [name for name in answer.headers if name.startswith("access-control-")]
        assert SECURITY_HEADERS.items() <= dict(answer.headers).items()


@pytest.mark.parametrize(
    "headers",
    [
        {},  # curl, gradio_client
        {"origin": "http://testserver"},
        {"origin": "https://testserver"},  # TLS ends at a proxy
        {"origin": "http://page:8080", "host": "page:8080"},
        {"origin": "http://[::1]:7860", "host": "[::1]:7860"},
        {"origin": "https://0123.gradio.live", "host": "0123.gradio.live"},
        {"origin": "https://page.example", "sec-fetch-site": "same-origin"},  # Host is not told
        {"sec-fetch-site": "none"},
    ],
)
def test_the_page_itself_and_programs_may_ask(client, headers):
    answer = client.post("/recognize", json=DRAWING, headers=headers)
    assert answer.json()["digit"] == 7


def test_behind_a_proxy_the_page_goes_by_the_proxys_name():
    def asks(origin: str, root_path: str) -> bool:
        headers = [(b"host", b"127.0.0.1:7860"), (b"origin", origin.encode())]
        scope = {"type": "http", "method": "POST", "headers": headers}
        try:
            check_origin(scope, others(root_path))
        except Refusal as refusal:
            assert refusal.status == 403
            return False
        return True

    assert asks("https://page.example", "https://page.example/digits")
    assert not asks("https://page.example", "/digits")
    assert not asks("https://page.example.evil.example", "https://page.example/digits")
    assert not asks(EVIL, "https://page.example/digits")


def test_on_spaces_its_frame_may_ask_and_no_other_space(monkeypatch):
    monkeypatch.setenv("SPACE_HOST", "somebody-draw.hf.space")
    with site(ModelReloader(ROOT / "weights")) as client:
        for origin, status in [
            ("https://huggingface.co", 200),
            ("https://somebody-draw.hf.space", 200),
            ("https://anybody-else.hf.space", 403),
            (EVIL, 403),
        ]:
            answer = client.post("/recognize", json=DRAWING, headers={"origin": origin})
            assert answer.status_code == status
            assert "access-control-allow-origin" not in answer.headers
        frames = client.get("/").headers["content-security-policy"].rpartition("; ")[2]
    own = "https://huggingface.co https://somebody-draw.hf.space"
    assert frames == f"frame-ancestors 'self' {own}"


def test_elsewhere_the_page_is_in_no_frame_but_its_own(client):
    policy = client.get("/").headers["content-security-policy"]
    assert policy.endswith("; frame-ancestors 'self'")


STEERING = [
    {"host": "evil.example"},
    {"host": "evil.example:7860"},
    {"x-forwarded-host": "evil.example"},
    {"x-forwarded-host": "evil.example", "x-forwarded-proto": "https"},
    {"x-gradio-server": EVIL},
    {"host": 'evil.example"><script>'},
]
ADDRESSES = ["", "config", "config/", "login", "logout", "theme.css", "manifest.json", "robots.txt",
             "gradio_api/info", "gradio_api/openapi.json", "gradio_api/mcp", "gradio_api/mcp/",
             "gradio_api/app_id/", "pwa_icon", "network", "corrections"]  # fmt: skip


@pytest.fixture(scope="module")
def all_served():
    with serving(mcp=True) as address:
        yield address


@pytest.mark.parametrize("headers", STEERING)
def test_no_header_steers_an_address_in_an_answer(all_served, headers):
    with httpx.Client(base_url=all_served) as client:
        for path in ADDRESSES:
            for method in ("GET", "POST"):
                answer = client.request(method, path, headers=headers)
                said = answer.text + str(answer.headers.multi_items())
                assert "evil" not in said, (method, path)
                assert answer.status_code < 500


def test_gradio_grants_no_origin_where_it_is_served(all_served):
    asks = {"access-control-request-method": "POST"}
    for headers in FOREIGN:
        if "host" in headers:
            continue
        foreign = {"host": "page.example", **headers}
        preflight = httpx.options(f"{all_served}recognize", headers={**foreign, **asks})
        for answer in (httpx.get(all_served, headers=foreign), preflight):
            assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_what_the_page_gives_as_its_address_is_one_that_is_known(all_served):
    def root(path: str = "config", **headers: str) -> str:
        return httpx.get(f"{all_served}{path}", headers=headers).json()["root"]

    port = all_served.rpartition(":")[2].strip("/")
    assert root() == f"http://127.0.0.1:{port}"
    assert root(host=f"localhost:{port}") == f"http://localhost:{port}"
    assert root(host="evil.example") == root(host=f"evil.example:{port}") == ""
    with serving(root_path="/digits", corrections=False) as address:
        answer = httpx.get(address, headers={"host": "evil.example"})
        assert '"root":"/digits"' in answer.text
        config = httpx.get(f"{address}config", headers={"host": "page.example"}).json()
        assert config["root"] == httpx.get(f"{address}config").json()["root"] == "/digits"
    with serving(root_path="https://page.example/digits", corrections=False) as address:
        config = httpx.get(f"{address}config", headers={"host": "evil.example"}).json()
        assert config["root"] == "https://page.example/digits"
        assert httpx.post(f"{address}recognize", json=DRAWING).json()["digit"] == 7


def test_the_public_link_is_the_pages_address_under_its_name(monkeypatch):
    link = "https://0123456789abcdef.gradio.live"
    monkeypatch.setattr("gradio.networking.setup_tunnel", lambda *_, **__: link)
    with app_main("--share", "--no-corrections") as address:
        tunnel = {"host": link.removeprefix("https://"), "x-forwarded-proto": "https"}
        assert httpx.get(f"{address}config", headers=tunnel).json()["root"] == link
        asked = {"json": DRAWING, "headers": {**tunnel, "origin": link}}
        assert httpx.post(f"{address}recognize", **asked).json()["digit"] == 7


def test_gradios_clients_are_told_the_pages_address():
    with serving(corrections=False) as address:
        told = httpx.get(f"{address}gradio_api/info").json()["named_endpoints"]
        assert f'Client("{address[:-1]}")' in told["/predict"]["code_snippets"]["python"]
        hostile = httpx.get(f"{address}gradio_api/info", headers={"host": "evil.example"})
        assert hostile.json()["named_endpoints"] == told


def test_under_a_name_that_is_not_known_the_page_works_and_asks_nobody_else(browser):
    page = browser.new_page()
    asked, complaints = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("response", lambda r: complaints.append(r.url) if r.status >= 500 else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    with serving(corrections=False, auth=[("ann", "chalk")]) as address:
        named = address.replace("127.0.0.1", "page.localhost")
        log_in_by_form(page, f"{named}?__theme=dark")
        draw(page, DRAWINGS[7])
        expect_leader(page, 7)
        page.get_by_text("How does it work?").click()
        with page.context.expect_page() as opened:
            page.get_by_role("link", name="For programs").click()
        expect(opened.value.get_by_text("predict_image").first).to_be_visible()
        assert [url for url in asked if not url.startswith((named, "data:", "blob:"))] == []
        assert complaints == []
        page.close()


def test_allowed_hosts_are_all_that_is_answered_to():
    names = ("--allowed-host", "page.example", "--allowed-host", "*.gradio.live")
    with app_main("--no-corrections", *names) as address:
        for host, status in [
            ("page.example", 200),
            ("page.example:7860", 200),
            ("0123.gradio.live", 200),
            ("localhost", 200),
            ("evil.example", 400),
            ("page.example.evil.example", 400),
            ("gradio.live.evil.example", 400),
            ("", 400),
        ]:
            answer = httpx.get(address, headers={"host": host})
            assert answer.status_code == status, host
        answer = httpx.get(f"{address}config", headers={"host": "page.example"})
        assert answer.json()["root"] == ""
        assert httpx.get(f"{address}healthz").status_code == 200
