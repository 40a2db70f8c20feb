// What every page has. One module a behaviour; a page with more of its own adds a module of that page.
import "./current-place.js";
import "./keyboard.js";
import "./menu.js";
import "./poll.js";
import "./preferences.js";
import "./requests.js";
