"""An address is stored in one form, or refused while somebody is there to correct it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.core.address import NAME_CHARS_MAX, check_address, check_mailbox, control_in, mailbox_of, masked
from arrears.core.errors import Refused


@pytest.mark.parametrize(
    ("entered", "stored"),
    [
        ("jo@example.org", "jo@example.org"),
        ("  jo@example.org\r\n", "jo@example.org"),
        ("Jo.Anna@EXAMPLE.Org", "Jo.Anna@example.org"),
        ("jo+tag@sub.example.co.uk", "jo+tag@sub.example.co.uk"),
        ("o'brien!#$%&*/=?^_`{|}~-@example.org", "o'brien!#$%&*/=?^_`{|}~-@example.org"),
        ('"jo"@example.org', "jo@example.org"),
        ('"jo anna"@example.org', '"jo anna"@example.org'),
        ('"jo@home"@example.org', '"jo@home"@example.org'),
        (r'"a\"b\\c\d"@example.org', r'"a\"b\\cd"@example.org'),
        ("jo@bücher.example", "jo@xn--bcher-kva.example"),
        ("jo@BÜCHER.example", "jo@xn--bcher-kva.example"),
        ("jo@xn--bcher-kva.example", "jo@xn--bcher-kva.example"),
        ("jo@例え。テスト", "jo@xn--r8jz45g.xn--zckzah"),
        ("jörg@example.org", "jörg@example.org"),
        ("jo\u0308rg@example.org", "jörg@example.org"),
        ("josé@münchen.example", "josé@xn--mnchen-3ya.example"),
        ("a" * 64 + "@example.org", "a" * 64 + "@example.org"),
        ("jo@" + "a" * 63 + ".org", "jo@" + "a" * 63 + ".org"),
        ("jo@example.org.", "jo@example.org"),
        ("jo@B\u00dcCHER.example.", "jo@xn--bcher-kva.example"),
    ],
)
def test_an_address_has_one_form(entered: str, stored: str) -> None:
    assert check_address(entered) == stored
    assert check_address(stored) == stored


@pytest.mark.parametrize(
    ("entered", "why"),
    [
        *((text, "has no @") for text in ("", "jo", "jo.example.org", "x" * 100)),
        *((text, "one address alone") for text in ("@example.org", '""@example.org', "a..b@example.org", "a.@x.org")),
        *((text, "one address alone") for text in (".a@x.org", "Jo <jo@x.org>", "a@x.org,b@x.org", "a@x.org; b@x.org")),
        *((text, "one address alone") for text in ("mailto:jo@x.org", "a@b@x.org", 'a"b@x.org', "(jo)jo@x.org")),
        *((text, "invisible") for text in ("jo anna@x.org", "jo\u200b@x.org", "jo\u202e@x.org", "jo\n\nBcc: x@y.org")),
        *((text, "invisible") for text in ("jo\r\nDATA\r\nx@y.org", "jo\x00@x.org", "\ud800@x.org", "jo\u00a0@x.org")),
        *(
            (f"jo@{domain}", "domain that can exist")
            for domain in ("", "localhost", "x..org", "x.org..", ".org", "x_y.org")
        ),
        *(
            (f"jo@{domain}", "domain that can exist")
            for domain in ("-x.org", "x-.org", "10.0.0.1", "[10.0.0.1]", "x.org>")
        ),
        *(
            (f"jo@{domain}", "domain that can exist")
            for domain in ("x .org", "x\n.org", "x\x00.org", "x.org/y", "\ud800.org")
        ),
        ("jo@" + "a" * 64 + ".org", "domain that can exist"),
        ("jo@straße.example", "in two ways"),
        ("a" * 65 + "@example.org", "more than 64 characters before"),
        ("é" * 33 + "@example.org", "more than 64 characters before"),
        ("jo@" + "a." * 126 + "org", "too long"),
        ("x" * 100_000 + "@example.org", "too long"),
    ],
)
def test_what_cannot_be_delivered_is_refused_in_one_short_line(entered: str, why: str) -> None:
    with pytest.raises(Refused, match=why) as refused:
        check_address(entered)
    assert refused.value.code == "bad_address"
    assert refused.value.message.isprintable()
    assert len(refused.value.message) < 400


@given(st.from_regex(r"\A[a-zA-Z0-9_.+-]{1,12}@(xn--|[a-z0-9-]{1,8})[a-z0-9.-]{1,12}[.][a-z0-9-]{1,5}\Z"))
def test_a_plain_address_is_the_same_with_blanks_around_it(text: str) -> None:
    """Plain ones are known by one pattern; with blanks around them they are looked at piece by piece."""

    def answer(entered: str) -> str:
        try:
            return check_address(entered)
        except Refused as refused:
            return refused.code

    assert answer(text) == answer(f" {text} ")


@pytest.mark.turn(2)
@given(st.text(max_size=40) | st.from_regex(r'\A"?[ -~é\u202e\n]{0,20}"?@[a-zé.-]{1,20}\Z'))
def test_whatever_is_accepted_is_one_short_line_and_its_own_form(text: str) -> None:
    try:
        address = check_address(text)
    except Refused:
        address = "jo@example.org"
    local, _, domain = address.rpartition("@")
    assert check_address(address) == address
    assert domain.isascii()
    assert local.isprintable()
    assert len(address.encode()) <= 254


@pytest.mark.parametrize(
    ("entered", "name"),
    [
        ("jo@example.org", ""),
        ("<jo@example.org>", ""),
        ("Jo Anna <jo@example.org>", "Jo Anna"),
        ('"Anna, Jo" <jo@example.org>', "Anna, Jo"),
        (r'"Jo \"The\" Anna" <jo@example.org>', 'Jo "The" Anna'),
        ("Jörg <script> <jo@example.org>", "Jörg <script>"),
        ("x" * 10_000 + " <jo@example.org>", "x" * (NAME_CHARS_MAX - 1) + "…"),
    ],
)
def test_a_display_name_comes_apart_from_its_address(entered: str, name: str) -> None:
    assert check_mailbox(entered) == (name, "jo@example.org")


@pytest.mark.parametrize(
    "name", ["a\nBcc: x@y.org", "a\r", "a\x00b", "a\x0bb", "a\x1cb", "a\u0085b", "a\u2028b", "\ud800"]
)
def test_a_name_that_would_begin_another_line_is_refused(name: str) -> None:
    with pytest.raises(Refused, match="in its name") as refused:
        check_mailbox(f"Jo {name} Anna <jo@example.org>")
    assert refused.value.message.isprintable()
    assert control_in(name) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("jo@example.org", "Jo@EXAMPLE.org."),
        ("j\u00f6rg@example.org", "J\u00d6RG@example.org."),
        ("jo@xn--bcher-kva.example", "jo@b\u00fccher.example."),
    ],
)
def test_a_mailbox_is_the_same_with_the_dot_of_the_root_behind_its_domain(one: str, other: str) -> None:
    assert mailbox_of(one) == mailbox_of(other)
    assert mailbox_of("+3161.") == "+3161.", "what has no domain has no such dot"


def test_an_address_is_masked_whatever_its_channel() -> None:
    assert masked("anna@example.org") == "a•••@example.org"
    assert masked("+31612345678") == "•••78"


def test_text_from_right_to_left_is_no_control_character() -> None:
    assert control_in("\u202eשלום\u200f عربي") == ""
