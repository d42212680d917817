// A secret link carries its code behind the #, where no server's log sees it. Put it into the form,
// take it out of the address, and keep it for this tab while its person signs in.
const field = document.querySelector("[data-link-code]");
const place = `link-code:${location.pathname}`;
if (field) {
  const brought = location.hash.slice(1);
  if (brought) {
    sessionStorage.setItem(place, brought);
    history.replaceState(null, "", location.pathname);
  }
  field.value ||= sessionStorage.getItem(place) ?? "";
}
