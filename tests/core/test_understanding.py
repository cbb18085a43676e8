"""What comes in, measured on the corpus (``inbound_corpus``) as
``benchmarks/run understanding`` measures it, against the goals."""

from collections import Counter

import pytest
from core.inbound import inbound
from corpus_machines import MACHINES, PEOPLE
from corpus_replies import REPLIES
from corpus_reports import COMPLAINTS, REPORTS
from corpus_unseen import NEW_MACHINES, NEW_PEOPLE, NEW_REPORTS
from inbound_corpus import (
    OUR_ID,
    Sample,
    count_kinds,
    count_reports,
    find_lost_words,
    find_shown_quotes,
    mail,
)

BOTH_REPORTS = [*REPORTS, *NEW_REPORTS]
ALL = [*BOTH_REPORTS, *COMPLAINTS, *REPLIES, *MACHINES, *PEOPLE]
ALL += [*NEW_MACHINES, *NEW_PEOPLE]


def test_corpus_is_large_and_its_names_differ():
    assert len(ALL) >= 150
    assert len(REPORTS) >= 80 and len(REPLIES) >= 80 and len(MACHINES) >= 80
    groups = (BOTH_REPORTS, COMPLAINTS, REPLIES, MACHINES, PEOPLE)
    for group in (*groups, NEW_MACHINES, NEW_PEOPLE):
        assert Counter(sample.name for sample in group).most_common(1)[0][1] == 1


@pytest.mark.parametrize("sample", ALL, ids=[sample.name for sample in ALL])
def test_kind_and_reference(sample):
    found = inbound.read(sample.raw)
    assert found.kind == sample.kind
    assert OUR_ID in found.references


@pytest.mark.parametrize(
    "sample", BOTH_REPORTS, ids=[sample.name for sample in BOTH_REPORTS]
)
def test_verdict_on_each_recipient(sample):
    found = inbound.read(sample.raw)
    assert {
        address: failure.verdict
        for failure in found.failures
        for address in failure.addresses
    } == sample.failures
    # What concerns us is fetched by its headers alone.
    head = sample.raw.partition(b"\r\n\r\n")[0]
    assert inbound.outline(head).is_report


def test_a_report_that_names_nobody_is_one():
    sample = next(sample for sample in REPORTS if sample.name == "nobody named")
    [failure] = inbound.read(sample.raw).failures
    assert failure.addresses == () and failure.verdict == "hard"


@pytest.mark.parametrize(
    "sample", COMPLAINTS, ids=[sample.name for sample in COMPLAINTS]
)
def test_complaint_names_whom(sample):
    [failure] = inbound.read(sample.raw).failures
    assert {failure.address: failure.verdict} == sample.failures


def test_no_word_of_a_person_is_lost():
    assert find_lost_words(inbound.read, [*REPLIES, *PEOPLE, *NEW_PEOPLE]) == {}


def test_quotes_are_folded():
    assert find_shown_quotes(inbound.read, [*REPLIES, *NEW_PEOPLE]) == {}


def test_what_is_folded_is_kept():
    for sample in (*REPLIES, *NEW_PEOPLE):
        found = inbound.read(sample.raw)
        words = " ".join(f"{found.text} {found.quoted}".split())
        for line in (*sample.own, *sample.quoted):
            assert " ".join(line.split()) in words


# -- the figures themselves: they count what is wrong


def test_figures_show_mistakes():
    gone = {"a@b.example": "hard"}
    samples = [
        Sample("found", REPORTS[0].raw, "bounce", REPORTS[0].failures),
        Sample("wrong", REPORTS[1].raw, "bounce", {"ap@customer.example": "hard"}),
        Sample("missing", mail({"Subject": "x"}, "x"), "bounce", gone),
    ]
    assert count_reports(inbound.read, samples) == {
        ("hard", "hard"): 1,
        ("hard", "soft"): 1,
        ("hard", "missing"): 1,
        ("lost", "lost"): 1,
    }
    assert count_kinds(inbound.read, samples) == {
        ("bounce", "bounce"): 2,
        ("bounce", "reply"): 1,
    }
    other = Sample("other", mail({"Subject": "x"}, "one\ntwo"), "reply", own=("three",))
    assert find_lost_words(inbound.read, [other]) == {"other": ["three"]}
    other = Sample("other", mail({"Subject": "x"}, "one"), "reply", quoted=("one",))
    assert find_shown_quotes(inbound.read, [other]) == {"other": ["one"]}
