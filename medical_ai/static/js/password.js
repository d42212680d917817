// Say in words how long a password is. It advises and never forbids: the server decides.
const ADVISED = 12;
const input = document.querySelector("[data-advise]");
if (input) {
  const advice = document.createElement("p");
  advice.className = "hint";
  advice.setAttribute("role", "status");
  input.after(advice);
  input.addEventListener("input", () => {
    const count = [...input.value].length;
    if (count === 0) advice.textContent = "";
    else if (count < input.minLength) advice.textContent = `${input.minLength - count} more, at least.`;
    else if (count < ADVISED) advice.textContent = "Enough. Another word would make it stronger.";
    else advice.textContent = "A good length.";
  });
}
