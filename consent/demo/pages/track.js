// Runs after the statistics script, which comes before it in the page, or not at all.
(window.hits ??= []).push(window.hits?.includes("statistics") ? "page view counted" : "order broken");
document.dispatchEvent(new Event("hit"));
