// On every page: lead a person to what went wrong. Browsers that honour autofocus did it already.
const summary = document.getElementById("error-summary");
if (summary && document.activeElement !== summary) summary.focus();
