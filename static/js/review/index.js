// The review page: one module a behaviour.
import "./cards.js";
import "./text.js";
import "./panels.js";
import "./decide.js";
import "./open.js";
import "./picker.js";
import "./add.js";
import "./evidence.js";
import "./selection.js";
import "./find.js";
import "./lists.js";
import "./exposures.js";
import "./active.js";
import "./reveal.js";
import "./sheet.js";
import "./print.js";
import "./comment.js";
