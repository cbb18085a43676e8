"""Two versions side by side."""

from core.letter.text_diff import compare, compare_letters, reading_lines


def kinds(left, right):
    return [row.kind for row in compare(left, right)]


def test_equal_paragraphs_stay_beside_each_other():
    assert kinds(["a", "b"], ["a", "b"]) == ["same", "same"]
    assert kinds(["first one", "second one", "third"], ["first one", "third"]) == [
        "same",
        "removed",
        "same",
    ]
    assert kinds(["a"], ["a", "b"]) == ["same", "added"]
    assert kinds([], []) == []


def test_changed_words_are_marked():
    [row] = compare(
        ["Please pay within seven days."], ["Please pay within three working days."]
    )
    assert [text for text, changed in row.left if changed] == ["seven"]
    assert "three" in "".join(text for text, changed in row.right if changed)
    assert (
        "".join(text for text, _changed in row.left) == "Please pay within seven days."
    )
    assert (
        "".join(text for text, _changed in row.right)
        == "Please pay within three working days."
    )


def test_a_merge_tag_is_one_word():
    [row] = compare(["Pay {{ total_due }} now"], ["Pay {{ credit_total }} now"])
    assert [text for text, changed in row.left if changed] == ["{{ total_due }}"]


def test_strangers_are_marked_as_a_whole():
    [row] = compare(["Completely different text"], ["نص عربي آخر تمامًا"])
    assert row.left == (("Completely different text", True),) and row.right == (
        ("نص عربي آخر تمامًا", True),
    )


def test_targets_of_links_count():
    assert reading_lines('<p>See <a href="https://a.example">here</a>.</p>') == [
        "See here (https://a.example)."
    ]
    letters = compare_letters(
        ("s", '<p><a href="https://a.example">x</a></p>'),
        ("s", '<p><a href="https://b.example">x</a></p>'),
    )
    assert letters["changed"] and not letters["only_form"]


def test_only_the_form_differs():
    letters = compare_letters(("s", "<p>One two</p>"), ("s", "<p>One <b>two</b></p>"))
    assert (letters["changed"], letters["only_form"]) == (False, True)
    assert compare_letters(("s", "<p>x</p>"), ("s", "<p>x</p>"))["only_form"] is False


def test_a_language_that_was_not_there():
    letters = compare_letters(("", ""), ("Subject", "<p>Text</p>"))
    assert [row["kind"] for row in letters["subject"] + letters["body"]] == [
        "added",
        "added",
    ]
