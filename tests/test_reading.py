"""Drawings read in the browser itself: however far the server is, and when it is gone."""

from functools import partial

import httpx
from playwright.sync_api import expect

from tests.browser import draw, move
from tests.conftest import serving
from tests.drawings import DRAWINGS
from tests.page import (
    ENDPOINT,
    NETWORK,
    NETWORK_FILE,
    SAYS,
    draw_digit,
    expect_empty,
    expect_leader,
    open_page,
    pen_down,
    picture,
    probabilities,
    record_requests,
    settle,
    strokes_on,
    tool,
    wait_for,
    wait_until_answered,
)


def fulfill(answer: dict, route) -> None:
    route.fulfill(**answer)


def test_a_network_that_can_not_be_read_is_tried_again_and_may_come_in_mid_stroke(
    open_context, server
):
    file = httpx.get(f"{server}network/{httpx.get(f'{server}network').json()['name']}.bin").content
    page = open_context(has_network=False)
    page.unroute(NETWORK)
    unreadable = [{"status": 404}, {"body": file[:-1000]}, {"body": b"MLP8bit9" + file[8:]}]
    for answer in unreadable:
        page.route(NETWORK_FILE, partial(fulfill, answer))
        with page.expect_response(NETWORK_FILE):
            draw(page, DRAWINGS[7])
        with page.expect_response(ENDPOINT):
            tool(page, "Clear").click()
            draw_digit(page, 1)
        page.unroute(NETWORK_FILE)
    held = []
    page.route(NETWORK_FILE, lambda route: held.append(route))
    with page.expect_request(NETWORK_FILE):
        tool(page, "Clear").click()
    pen_down(page, (0.3, 0.22))
    move(page, (0.7, 0.22), steps=6)
    settle(page)
    wait_until_answered(page)  # by the server
    held[0].continue_()
    wait_for(page, f"{SAYS}.reader")
    asked = record_requests(page)
    move(page, (0.45, 0.8), steps=6)
    expect_leader(page, 7)
    wait_until_answered(page)
    assert asked == []
    page.mouse.up()
    assert len(strokes_on(page)) == 1


def test_drawing_goes_on_when_the_server_is_gone(new_window, mnist):
    page = new_window()
    with serving() as address:
        open_page(page, address)
    draw_digit(page, 4)
    expect(page.locator("#insight .question")).to_contain_text("Why 4")
    link = page.evaluate("location.hash")
    page.get_by_label("7 with a bar").click()
    expect_leader(page, 7)
    tool(page, "Clear").click()
    expect_empty(page)
    page.evaluate("link => (location.hash = link)", link)
    expect_leader(page, 4)
    page.wait_for_timeout(3500)  # in which it asked for a newer network
    expect(page.locator(".notice")).to_be_empty()
    result, shown = page.locator(".result"), page.locator(".bars")
    expect(shown).to_have_css("opacity", "1")

    page.locator("input.choose").set_input_files(picture(mnist[0][0].numpy()))
    expect(page.locator(".notice")).to_contain_text("No answer from the server")
    expect(result).to_have_attribute("aria-busy", "true")
    expect(shown).to_have_css("opacity", "0.45")  # it still says 4
    expect(page.locator(".choices")).to_be_hidden()
    draw_digit(page, 1)
    expect(shown).to_have_css("opacity", "1")
    expect(page.locator(".notice")).to_be_empty()
    assert probabilities(page)[1] > 0.9
