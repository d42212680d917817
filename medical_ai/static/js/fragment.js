// Whoever opened a secret link and must sign in first keeps what stands behind its #: a browser
// carries the fragment of a form's address over the redirect that follows.
const form = document.querySelector("form[data-keep-fragment]");
if (form && location.hash) form.action += location.hash;
