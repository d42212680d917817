// Add a row for another time without a round trip. Without this script the button asks the server.
const rows = document.querySelector("[data-times]");
const button = document.querySelector("[data-add-time]");

button?.addEventListener("click", (event) => {
  event.preventDefault();
  const count = rows.querySelectorAll("input").length;
  const row = document.createElement("div");
  row.className = "time-row";
  const label = document.createElement("label");
  label.className = "visually-hidden";
  label.htmlFor = `times-${count}`;
  label.textContent = `Time ${count + 1}`;
  const input = document.createElement("input");
  input.className = "form-control";
  input.type = "time";
  input.name = "times";
  input.id = label.htmlFor;
  row.append(label, input);
  rows.append(row);
  input.focus();
  if (count + 1 >= Number(rows.dataset.max)) button.hidden = true;
});
