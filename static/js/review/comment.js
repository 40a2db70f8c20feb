// "Other" needs a comment, also where a whole form is sent: asked for before it is sent, not refused after.
document.addEventListener("change", (event) => {
  if (event.target.name !== "reason" || !event.target.matches("select")) return;
  const comment = event.target.form?.elements.comment;
  if (comment && !event.target.closest(".why-row")) comment.required = event.target.value === "other";
});
