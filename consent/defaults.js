/**
 * What a page that uses the tags of Google or Microsoft says to them before they load: that
 * nothing is allowed yet. It stands inline above the banner and above those tags, because the
 * banner comes asynchronously and a tag may be earlier. The banner then tells them the answer.
 * A site needs only the parts of the tags that it uses; the desk shows it those (desk.py reads
 * them from here: a part begins after an empty line, with the tag that it is for).
 *
 * Google waits up to half a second for the banner of a visitor who has chosen before.
 */

// gtag: Google tag, Tag Manager
window.dataLayer = window.dataLayer || [];
function gtag() { dataLayer.push(arguments); }
gtag("consent", "default", {
  ad_storage: "denied",
  ad_user_data: "denied",
  ad_personalization: "denied",
  analytics_storage: "denied",
  functionality_storage: "denied",
  personalization_storage: "denied",
  security_storage: "granted",
  wait_for_update: 500,
});

// uet: Microsoft Advertising, Universal Event Tracking
window.uetq = window.uetq || [];
uetq.push("consent", "default", { ad_storage: "denied" });

// clarity: Microsoft Clarity
window.clarity = window.clarity || function () { (clarity.q = clarity.q || []).push(arguments); };
clarity("consentv2", { ad_Storage: "denied", analytics_Storage: "denied" });
