// A secret link carries its token behind the #, where no server's log sees it. Take it from there
// into the form and out of the address. Whoever must sign in first finds it here again.
const KEPT = "invitation";
const box = document.querySelector("[data-link-token]");
const field = box?.querySelector("input");
if (field && !field.value) {
  const token = location.hash.slice(1);
  if (token && token !== "main") {
    sessionStorage.setItem(KEPT, token);
    history.replaceState(null, "", location.pathname + location.search);
  }
  field.value = sessionStorage.getItem(KEPT) ?? "";
}
// Nobody needs to look at it, unless something is wrong with it.
if (field?.value && !field.matches("[aria-invalid]")) box.hidden = true;
field?.form.addEventListener("submit", () => {
  if (field.form.hasAttribute("data-uses-token")) sessionStorage.removeItem(KEPT);
});
if (document.querySelector("[data-token-is-over]")) sessionStorage.removeItem(KEPT);
