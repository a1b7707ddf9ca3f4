"""Rewrites the generated parts of every page; ``--check`` only says which pages are out of date."""

import sys

from scripts.pages.book import fresh, pages


def main(check: bool) -> int:
    """Rewrite, or compare; 1 when a page was found out of date and nothing was written."""
    stale = 0
    for path in pages():
        old, new = path.read_text("utf-8"), fresh(path)
        if new == old:
            continue
        stale += 1
        print(f"{path} {'is out of date: run scripts/docs' if check else 'written'}")
        if not check:
            path.write_text(new, "utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
