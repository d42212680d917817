// A secret link carries its token behind the #, where no server's log sees it. Take it from there
// into the form, and out of the address, so that it stays in no history either.
const box = document.querySelector("[data-link-token]");
const field = box?.querySelector("input");
const token = location.hash.slice(1);
if (field && token && token !== "main") {
  field.value = token;
  history.replaceState(null, "", location.pathname + location.search);
}
// Nobody needs to look at it, unless something is wrong with it.
if (field?.value && !field.matches("[aria-invalid]")) box.hidden = true;
