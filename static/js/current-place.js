// A row of places that is wider than the screen begins at the place where one is.
for (const row of document.querySelectorAll(".nav, .places")) {
  const here = row.querySelector("[aria-current]");
  if (!here || row.scrollWidth <= row.clientWidth) continue;
  const beyond = here.getBoundingClientRect().right - row.getBoundingClientRect().right;
  // What comes after it shows a little, so that it is seen to go on.
  if (beyond > 0) row.scrollLeft += beyond + 24;
}
