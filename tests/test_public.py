"""The page when the server is busy, goes away or is renewed."""

from playwright.sync_api import expect

from tests.browser import draw
from tests.conftest import free_port, serving
from tests.drawings import DRAWINGS
from tests.page import ENDPOINT, NETWORK, expect_leader, open_page, tool, wait_for

RENEWED = "There is a newer version of this page."


def test_a_server_that_goes_away_is_waited_for_and_asked_less_and_less(browser):
    port = free_port()
    page = browser.new_page()
    page.clock.install()
    with serving(port=port) as address:
        open_page(page, address, has_network=False)
        draw(page, DRAWINGS[4][:1])
        expect(page.locator(".result")).not_to_have_attribute("data-verdict", "empty")
    page.clock.pause_at(page.evaluate("Date.now() / 1000 + 60"))
    failed = []
    page.on(
        "requestfailed",
        lambda request: failed.append(request.url) if request.method == "POST" else None,
    )
    draw(page, DRAWINGS[4][1:])
    page.clock.run_for(50)  # a frame, in which it is read
    expect(page.get_by_text("No answer from the server. Your drawing is kept")).to_be_visible()
    for wait in (500, 1000, 2000):  # give or take a quarter
        assert 0.7 * wait <= milliseconds_until_asked(page, failed) <= 1.3 * wait + 250
    with serving(port=port):
        page.clock.resume()
        expect_leader(page, 4)
        expect(page.locator(".notice")).to_be_empty()
        expect(page.locator(".renewal")).to_be_hidden()
    page.close()


def milliseconds_until_asked(page, failed: list) -> int:
    """How long the page waits, by its own clock, until another of its requests has failed."""
    before = len(failed)
    for waited in range(250, 60_000, 250):
        page.clock.run_for(250)
        page.wait_for_timeout(20)  # in which a request that was sent fails
        if len(failed) > before:
            return waited
    raise AssertionError("it asks no more")


def test_a_busy_server_is_waited_for(asking_page):
    asking_page.route(ENDPOINT, lambda route: route.fulfill(status=503))
    draw(asking_page, DRAWINGS[7])
    expect(asking_page.get_by_text("Too many people are drawing")).to_be_visible()
    asking_page.unroute(ENDPOINT)
    expect_leader(asking_page, 7)
    expect(asking_page.locator(".notice")).to_be_empty()


def renew(route) -> None:
    """Answer as a server with a newer page would, in a form that this page does not know."""
    route.fulfill(json={"anything": "else"}, headers={"page-version": "newer"})


def test_a_newer_server_asks_for_a_reload_that_keeps_the_drawing(asking_page):
    draw(asking_page, DRAWINGS[4][:1])
    asking_page.route(ENDPOINT, renew)
    draw(asking_page, DRAWINGS[4][1:])
    expect(asking_page.get_by_text(RENEWED)).to_be_visible()
    asking_page.unroute(ENDPOINT)
    with asking_page.expect_navigation():
        tool(asking_page, "Load the page again").click()
    expect_leader(asking_page, 4)
    expect(asking_page.locator(".renewal")).to_be_hidden()
    wait_for(asking_page, "location.hash.startsWith('#drawing=1.')")


def test_a_page_that_reads_by_itself_hears_of_a_newer_server_and_of_a_login_that_ended(page):
    def renewed(route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, headers={**answer.headers, "page-version": "newer"})

    page.route(NETWORK, renewed)
    draw(page, DRAWINGS[7])
    expect(page.get_by_text(RENEWED)).to_be_visible()
    page.unroute(NETWORK)
    page.route(NETWORK, lambda route: route.fulfill(status=401, json={"error": "log in"}))
    tool(page, "Clear").click()
    expect(page.get_by_text("You are logged out.")).to_be_visible()
    draw(page, DRAWINGS[1])
    expect_leader(page, 1)
