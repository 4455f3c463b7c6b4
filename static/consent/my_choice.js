// Visitors of our other web sites arrive with the number of their browser behind the "#", which no
// browser sends. It goes on to the server in the body of a form, and out of the address.

/** @type {HTMLFormElement | null} */
const form = document.querySelector("form[data-number]");
/** @type {HTMLInputElement | null | undefined} */
const field = form?.querySelector("input[name=subject]");

if (form && field) {
  const number = location.hash.slice(1);
  if (/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(number)) {
    history.replaceState(null, "", location.pathname + location.search);
    field.value = number;
    form.submit();
  }
  // The same in the other language, for who came with a number.
  for (const link of document.querySelectorAll("a.head__language")) {
    link.addEventListener("click", () => {
      if (link instanceof HTMLAnchorElement) link.hash = field.defaultValue;
    });
  }
}

// A choice that still waits in this browser must not be sent after its number has been deleted.
for (const button of document.querySelectorAll("button[name=action][value=forget]")) {
  button.addEventListener("click", () => {
    try {
      localStorage.removeItem("privacy_consent_pending");
    } catch {
      // Where storage is blocked, nothing waits.
    }
  });
}
