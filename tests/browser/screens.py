"""How a page is looked at with axe: on which screens, and without work that shows nothing."""

import pytest

# Each width and each scheme once: colours do not depend on the width, nor the layout on the scheme.
on_each_screen = pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (320, "dark")])
# What axe would fetch again serves rules about sound and film, of which there is none.
QUICKLY = {"resultTypes": ["violations"], "preload": False}
