// Adjudication: the review page's text and list, with a ruling in place of a decision.
import "../review/cards.js";
import "../review/text.js";
import "../review/panels.js";
import "../review/decide.js";
import "../review/selection.js";
import "../review/find.js";
import "../review/sheet.js";
import "../review/code-page.js";
import "./comment.js";
import "./cites.js";
