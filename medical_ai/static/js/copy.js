// Copy the text of a field. Without this script, or where the browser refuses, the field is selected
// by hand: it holds nothing but the text.
const DONE = "Copied.";
const BY_HAND = "Select the text and copy it by hand.";

for (const row of document.querySelectorAll("[data-copy-from]")) {
  const field = document.getElementById(row.dataset.copyFrom);
  const said = row.querySelector("[role=status]");
  row.hidden = false;
  field.addEventListener("focus", () => field.select());
  row.querySelector("button").addEventListener("click", async () => {
    field.focus();
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
      said.textContent = DONE;
    } catch {
      said.textContent = BY_HAND;
    }
  });
}
