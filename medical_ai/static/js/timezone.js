// Preselect the zone the browser lives in; the person still sees it and can change it.
const select = document.querySelector("[data-guess-timezone]");
if (select && !select.value) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if ([...select.options].some((option) => option.value === zone)) select.value = zone;
}
