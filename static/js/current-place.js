// A row of places that is wider than the screen begins at the place where one is, also after the screen was turned.
function show() {
  for (const row of document.querySelectorAll(".nav, .places")) {
    const here = row.querySelector("[aria-current]");
    if (!here || row.scrollWidth <= row.clientWidth) continue;
    const beyond = here.getBoundingClientRect().right - row.getBoundingClientRect().right;
    // What comes after it shows a little, so that it is seen to go on.
    if (beyond > 0) row.scrollLeft += beyond + 24;
  }
}

let width = window.innerWidth;
window.addEventListener("resize", () => {
  // Bars of a phone's browser that come and go change the height alone.
  if (window.innerWidth === width) return;
  width = window.innerWidth;
  show();
});
show();
