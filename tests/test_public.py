"""The page when the server is renewed or a login ends."""

from playwright.sync_api import expect

from tests.browser import draw
from tests.drawings import DRAWINGS
from tests.page import ENDPOINT, NETWORK, draw_digit, expect_leader, tool, wait_for

RENEWED = "There is a newer version of this page."


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
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    draw_digit(page, 1)
