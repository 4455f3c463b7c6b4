// Comfort only: the contents list follows the reader, and a change of language keeps the place.
// The pages are complete without it.

const contents = document.querySelector(".contents");
const folded = contents?.querySelector("details");
const wide = matchMedia("(min-width: 60rem)");

if (contents && folded) {
  /** @type {HTMLAnchorElement[]} */
  const links = Array.from(contents.querySelectorAll("a[href^='#']"));
  const places = links.flatMap((link) => {
    const target = document.getElementById(decodeURIComponent(link.hash.slice(1)));
    return target ? [{ link, target }] : [];
  });
  let present = links[0];
  let isDue = false;

  /** The last place whose beginning has passed the upper third of the window. */
  const placeOfReader = () => {
    const atEnd = innerHeight + scrollY >= document.documentElement.scrollHeight - 2;
    if (atEnd && scrollY > 0) return places.at(-1);
    return places.findLast(({ target }) => target.getBoundingClientRect().top <= innerHeight / 3);
  };

  const follow = () => {
    isDue = false;
    const link = placeOfReader()?.link;
    if (link === present && link?.hasAttribute("aria-current")) return;
    present?.removeAttribute("aria-current");
    if (!link) return;
    present = link;
    link.setAttribute("aria-current", "location");
    if (!wide.matches) return;
    // Scrolls the list alone; scrollIntoView would move the text as well.
    const list = contents.getBoundingClientRect();
    const item = link.getBoundingClientRect();
    if (item.top < list.top || item.bottom > list.bottom) {
      contents.scrollTop += item.top - list.top - list.height / 3;
    }
  };

  const soon = () => {
    if (!isDue) requestAnimationFrame(follow);
    isDue = true;
  };

  const fold = () => {
    folded.open = wide.matches;
  };

  addEventListener("scroll", soon, { passive: true });
  addEventListener("resize", soon, { passive: true });
  wide.addEventListener("change", fold);
  contents.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest("a")) fold();
  });
  fold();
  follow();
}

for (const link of document.querySelectorAll("a.head__language")) {
  link.addEventListener("click", () => {
    if (link instanceof HTMLAnchorElement) link.hash = location.hash || contents?.querySelector("[aria-current]")?.getAttribute("href") || "";
  });
}
