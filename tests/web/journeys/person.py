"""A person with a browser: reads mail, follows links, presses buttons, and says what stands there in their language."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, expect
from tests.site import PASSWORD
from tests.web.journeys.pictures import keep
from tests.web.journeys.scene import NAMES, Scene, address

from arrears.ports import Message

PATIENCE_MS: Final = 45_000
PHONE: Final = {"width": 390, "height": 780}
DESKTOP: Final = {"width": 1000, "height": 700}


PLACELESS: Final = """port => {
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walk.nextNode());) node.data = node.data
    .replaceAll(port, "https://billing.example").replace(/\\/[\\w-]{43}(?![\\w-])/g, "/" + "2Kx7".repeat(10) + "Qa9");
}"""
"""For pictures: what is different each time, the port and the token of a link, is written as on any other day."""


class Person:
    """`who` is the administrator (0) or the reader (1) of the account, or nobody there (2). Whatever they say or see
    is given in English and Dutch; each of them reads one of the two."""

    def __init__(self, scene: Scene, browser: Browser, language: str, account: int, who: int = 0, scripts: bool = True):
        self.scene, self.language, self.account, self.scripts = scene, language, account, scripts
        self.name = NAMES[language][4 + who]
        self.email = address(self.name, account)
        self.context = browser.new_context(
            locale=NAMES[language][3], viewport=PHONE, java_script_enabled=scripts, reduced_motion="reduce"
        )
        self.context.set_default_timeout(PATIENCE_MS)
        self.page = self.context.new_page()
        self.said: list[str] = []
        self.page.on("console", lambda message: self.said.append(f"{message.text} {message.location['url']}"))

    def words(self, english: str, dutch: str) -> str:
        """What is said in this person's language."""
        return {"en": english, "nl": dutch}[self.language]

    # -- mail ------------------------------------------------------------------------------------------------

    def mail(self, english: str, dutch: str) -> Message:
        """The newest message to this person with these words in its subject."""
        about = self.words(english, dutch)
        mine = [message for message in self.scene.shop.channel.taken if message.to == self.email]
        found = [message for message in mine if about in message.subject]
        assert found, f"{self.email} has only {[message.subject for message in mine]}"
        return found[-1]

    def reads(self, english: str, dutch: str) -> Message:
        """Open that message as a mail program shows it."""
        message = self.mail(english, dutch)
        self.page.goto("about:blank")
        self.page.set_content(message.html)
        return message

    # -- pages -----------------------------------------------------------------------------------------------

    def opens(self, path: str) -> None:
        """Open a page of the account: "settle"."""
        self.page.goto(f"{self.scene.shop.url}/acc_{self.account}/{path}")

    def new_tab(self) -> Page:
        """Go on in another tab; the one that was left."""
        left, self.page = self.page, self.context.new_page()
        return left

    def signs_in(self) -> None:
        """Fill in the form on which this person stands."""
        self.page.get_by_label(self.words("E-mail address", "E-mailadres")).fill(self.email)
        self.page.locator("input[type=password]").fill(PASSWORD)
        self.page.locator("main form:has(input[type=password]) button").first.click()

    def clicks(self, english: str, dutch: str) -> None:
        """Press the button, or follow the link, that says this; a mail's link opens where the mail was."""
        said = self.words(english, dutch)
        page = self.page
        one = page.get_by_role("button", name=said).or_(page.get_by_role("link", name=said)).first
        expect(one).to_be_enabled(timeout=PATIENCE_MS)
        if one.get_attribute("target") == "_blank":
            page.goto(str(one.get_attribute("href")))
        else:
            one.click()

    def goes_on_unless(self, english: str, dutch: str) -> None:
        """Press "go on", unless the provider's word was quicker and these words stand there already."""
        page, said = self.page, self.words("Go on", "Doorgaan")
        on = page.get_by_role("button", name=said).or_(page.get_by_role("link", name=said)).first
        expect(on.or_(page.get_by_text(self.words(english, dutch))).first).to_be_visible(timeout=PATIENCE_MS)
        if on.is_visible():
            on.click()

    def sees(self, english: str, dutch: str) -> None:
        """These words stand on the page, or will before long."""
        expect(self.page.locator("body")).to_contain_text(
            self.words(english, dutch), ignore_case=True, timeout=PATIENCE_MS
        )

    def reloads_until(self, english: str, dutch: str) -> None:
        """These words come by themselves; without scripts, by pressing "look again", as whoever waits does."""
        if self.scripts:
            self.sees(english, dutch)
            return
        said, again = self.words(english, dutch), self.words("Look again", "Opnieuw kijken")
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while said not in self.page.inner_text("body").replace("\u00a0", " "):
            assert time.monotonic() < deadline, f"{said!r} never came"
            self.page.get_by_role("button", name=again).click()

    def does_not_see(self, english: str, dutch: str) -> None:
        """These words stand nowhere on the page."""
        expect(self.page.locator("body")).not_to_contain_text(
            self.words(english, dutch), ignore_case=True, timeout=PATIENCE_MS
        )

    def title_is(self, english: str, dutch: str) -> None:
        """The page's heading."""
        expect(self.page.locator("h1")).to_have_text(self.words(english, dutch), timeout=PATIENCE_MS)

    def chooses(self, card: str) -> None:
        """On the provider's page: this card (one of sandbox/cards.py), and on."""
        self.page.wait_for_url(f"{self.scene.sandbox.url}/pay/**")
        self.page.locator(f'input[name="card"][value="{card}"]').check()
        self.page.locator('button[value="go"]').click()

    def picture(self, name: str, *, whole: bool = True) -> None:
        """Keep what stands there if pictures are wanted (`make pictures`): of a phone, in English of a desk too; of a
        long page not the `whole` but what is seen first."""
        folder = os.environ.get("ARREARS_PICTURES")
        if folder:
            self.page.evaluate(PLACELESS, self.scene.shop.url)
            for width, size in (("phone", PHONE), ("desktop", DESKTOP))[: 2 if self.language == "en" else 1]:
                self.page.set_viewport_size(size)  # type: ignore[arg-type]
                keep(self.page, Path(folder) / f"{name}-{self.language}-{width}.png", whole=whole)
            self.page.set_viewport_size(PHONE)  # type: ignore[arg-type]

    def leaves(self) -> None:
        """Close the browser; nothing it complained about is left unsaid."""
        self.context.close()
        assert self.said == []
