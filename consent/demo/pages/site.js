// Shows which optional scripts ran on this page.
const log = document.getElementById("log");

function show() {
  if (window.hits?.length) log.textContent = window.hits.join(", ");
}

document.addEventListener("hit", show);
show();
