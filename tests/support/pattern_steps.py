"""How many steps a regular expression takes, counted, so that a test may look at their
growth and needs no clock.

A backtracking matcher in the manner of CPython's ``re`` (Modules/_sre/sre_lib.h) over
the tree that its own parser makes. It is slow and complete enough for the patterns of
this project: what it does not know raises ``NotImplementedError``."""

import re
import sys
from re import _constants as c
from re import _parser

_SINGLE = {c.LITERAL, c.NOT_LITERAL, c.ANY, c.IN}


class TooMany(Exception):
    """More steps than were allowed."""


class Steps:
    """Counts the steps of one pattern.

    :param limit: after so many it gives up (``TooMany``)
    :param shrink: repetitions with an upper bound end after a few rounds. What they
        cost stops growing at their bound anyway, and so it does in short texts.
    """

    def __init__(self, pattern: re.Pattern, limit: int = 400_000, shrink: bool = False):
        self.shrink = shrink
        self.tree = _parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG)
        self.flags, self.limit = pattern.flags, limit
        self.count = 0

    def search(self, text: str, anchored: bool = False) -> int:
        """The steps of looking for all matches, as ``sub`` and ``findall`` do.

        :param anchored: at the beginning alone, as ``match`` and ``fullmatch`` do
        """
        self.count, start = 0, 0
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(50_000)
        try:
            while start <= len(text):
                self.text, self.groups = text, {}
                end = self._run(list(self.tree), 0, start, lambda at: at)
                if anchored:
                    break
                start = max(end, start + 1) if end is not None else start + 1
        finally:
            sys.setrecursionlimit(limit)
        return self.count

    def _tick(self):
        self.count += 1
        if self.count > self.limit:
            raise TooMany

    def _run(self, items, index, at, then):
        """Matches ``items`` from ``index`` on at a position, then the rest; the end,
        or None."""
        self._tick()
        if index == len(items):
            return then(at)
        op, av = items[index]

        def rest(after):
            return self._run(items, index + 1, after, then)

        if op in _SINGLE:
            return rest(at + 1) if self._is_one(op, av, at) else None
        return getattr(self, f"_do_{str(op).lower()}")(av, at, rest)

    # -- one character

    def _is_one(self, op, av, at):
        self._tick()
        if at >= len(self.text):
            return False
        char = self.text[at]
        if op is c.ANY:
            return char != "\n" or bool(self.flags & re.S)
        if op is c.IN:
            return self._is_in(av, char)
        same = ord(char) == av or (
            self.flags & re.I and char.lower() == chr(av).lower()
        )
        return same if op is c.LITERAL else not same

    def _is_in(self, items, char):
        negate = bool(items) and items[0][0] is c.NEGATE
        chars = {char, char.lower(), char.upper()} if self.flags & re.I else {char}
        found = any(self._is_item(op, av, one) for op, av in items for one in chars)
        return found != negate

    def _is_item(self, op, av, char):
        if op is c.NEGATE:
            return False
        if op is c.LITERAL:
            return ord(char[0]) == av
        if op is c.RANGE:
            return av[0] <= ord(char[0]) <= av[1]
        name = str(av)
        kind = {"DIGIT": char.isdecimal(), "SPACE": char.isspace()}.get(
            name[-5:], char.isalnum() or char == "_"
        )
        if self.flags & re.A:
            kind = kind and char.isascii()
        return kind != ("_NOT_" in name)

    # -- the rest of the language

    def _do_subpattern(self, av, at, rest):
        group, add, remove, items = av
        if add & re.I or remove:
            raise NotImplementedError("flags inside of a pattern")

        def close(after):
            former = self.groups.get(group)
            self.groups[group] = (at, after)
            end = rest(after)
            if end is None:
                self.groups[group] = former
            return end

        return self._run(list(items), 0, at, close)

    def _do_branch(self, av, at, rest):
        for items in av[1]:
            end = self._run(list(items), 0, at, rest)
            if end is not None:
                return end
        return None

    def _do_atomic_group(self, av, at, rest):
        end = self._run(list(av), 0, at, lambda after: after)
        return None if end is None else rest(end)

    def _do_assert(self, av, at, rest):
        return rest(at) if self._look(av, at) else None

    def _do_assert_not(self, av, at, rest):
        return None if self._look(av, at) else rest(at)

    def _look(self, av, at):
        direction, items = av
        if direction < 0:
            at -= items.getwidth()[0]
        return at >= 0 and (
            self._run(list(items), 0, at, lambda after: after) is not None
        )

    def _do_groupref(self, av, at, rest):
        start, end = self.groups.get(av) or (0, 0)
        for _char in range(end - start):
            self._tick()
        word = self.text[start:end]
        return rest(at + len(word)) if self.text.startswith(word, at) else None

    def _do_at(self, av, at, rest):
        text, size = self.text, len(self.text)
        name = str(av)
        if name in ("AT_BEGINNING", "AT_BEGINNING_STRING"):
            held = at == 0 or (
                self.flags & re.M and "STRING" not in name and text[at - 1] == "\n"
            )
        elif name in ("AT_END", "AT_END_STRING"):
            held = at == size or (
                "STRING" not in name
                and text[at] == "\n"
                and (at == size - 1 or bool(self.flags & re.M))
            )
        else:

            def is_word(place):
                return 0 <= place < size and (
                    text[place].isalnum() or text[place] == "_"
                )

            held = (is_word(at - 1) != is_word(at)) != ("NON" in name)
        return rest(at) if held else None

    def _do_max_repeat(self, av, at, rest):
        low, high, items = av
        high = self._get_most(low, high)
        if len(items) == 1 and items[0][0] in _SINGLE:
            count = self._count_ones(items[0], at, high)
            while count >= low:
                end = rest(at + count)
                if end is not None:
                    return end
                count -= 1
            return None
        return self._repeat(list(items), low, high, at, rest, 0, -1, True)

    def _do_min_repeat(self, av, at, rest):
        low, high, items = av
        high = self._get_most(low, high)
        return self._repeat(list(items), low, high, at, rest, 0, -1, False)

    def _do_possessive_repeat(self, av, at, rest):
        low, high, items = av
        high = self._get_most(low, high)
        count = 0
        while count < high:
            end = self._run(list(items), 0, at, lambda after: after)
            if end is None or end == at:
                break
            at, count = end, count + 1
        return rest(at) if count >= low else None

    def _get_most(self, low, high):
        if high is c.MAXREPEAT:
            return len(self.text) + 1
        return min(high, max(low, 3)) if self.shrink else high

    def _count_ones(self, item, at, high):
        count = 0
        while count < high and self._is_one(*item, at + count):
            count += 1
        return count

    def _repeat(self, items, low, high, at, rest, done, last, greedy):
        def again(after):
            return self._repeat(items, low, high, after, rest, done + 1, at, greedy)

        self._tick()
        if done < low:
            return self._run(items, 0, at, again)
        may = done < high and at != last
        if not greedy:
            end = rest(at)
            if end is not None or not may:
                return end
            return self._run(items, 0, at, again)
        if may:
            end = self._run(items, 0, at, again)
            if end is not None:
                return end
        return rest(at)


# --- strings that make a pattern work hard --------------------------------------------


def make_sample(items) -> str:
    """A short text that matches."""
    return "".join(_sample(op, av) for op, av in items)


def _sample(op, av):
    name = str(op)
    if op is c.LITERAL:
        return chr(av)
    if op in (c.NOT_LITERAL, c.ANY):
        return "x" if av != ord("x") else "y"
    if op is c.IN:
        return _choose(av)
    if op is c.SUBPATTERN:
        return make_sample(av[3])
    if op is c.BRANCH:
        return make_sample(av[1][0])
    if name.endswith("REPEAT"):
        return make_sample(av[2]) * max(av[0], 1)
    if op is c.ATOMIC_GROUP:
        return make_sample(av)
    return ""


def _choose(items):
    for char in "a0 \n>.-_@/%{}<&#;:,=\"'|+~x\tب":
        if Steps(re.compile("x"))._is_in(items, char):
            return char
    op, av = items[0]
    return chr(av if op is c.LITERAL else av[0]) if op in (c.LITERAL, c.RANGE) else "x"


def find_pumps(items, before=""):
    """(what comes before, what is repeated) of every repetition without a bound."""
    for op, av in items:
        if str(op).endswith("REPEAT") and av[1] is c.MAXREPEAT:
            for pump in _variants(av[2]):
                yield before, pump
        for inner in _get_inner(op, av):
            yield from find_pumps(inner, before)
        before += _sample(op, av)


def _variants(items):
    """Different texts that one round may take."""
    found = {make_sample(items)}
    if len(items) == 1 and items[0][0] in _SINGLE:
        steps = Steps(re.compile("x", re.S))
        for char in "a0 \n>.@x":
            steps.text = char
            if steps._is_one(*items[0], 0):
                found.add(char)
    return sorted(found - {""})[:6]


def _get_inner(op, av):
    if op is c.SUBPATTERN:
        return [av[3]]
    if op is c.BRANCH:
        return av[1]
    if str(op).endswith("REPEAT"):
        return [av[2]]
    if op is c.ATOMIC_GROUP:
        return [av]
    if op in (c.ASSERT, c.ASSERT_NOT):
        return [av[1]]
    return []


def make_hard_texts(pattern: re.Pattern):
    """Functions n → text of about n rounds, made from the pattern itself: each
    repetition alone, pairs of them, and the whole again and again; each ends with what
    does not match."""
    tree = _parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG)
    pumps = list(dict.fromkeys(find_pumps(tree)))[:8]
    whole = make_sample(tree)
    for before, pump in pumps:
        yield lambda n, b=before, p=pump: b + p * n + "\0"
        yield lambda n, b=before, p=pump: (b + p) * n + "\0"
        yield lambda n, p=pump: p * n + "\0"
    words = list(dict.fromkeys(pump for _before, pump in pumps))[:3]
    for first in words:
        for second in words:
            if first != second:
                yield lambda n, a=first, b=second: a * n + b * n + "\0"
                yield lambda n, a=first, b=second: (a + b) * n + "\0"
                yield lambda n, a=first, b=second: whole[:3] + a * n + b * n + a * n
    for piece in (whole, "a", " ", "\n", ">", "0", "{{", "{%", "<", "&", "x\n", "a@"):
        yield lambda n, p=piece: p * n + "\0"
