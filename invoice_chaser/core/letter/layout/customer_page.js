"use strict";
// Copies what a transfer needs. The buttons are there only where this runs.
(function () {
    var status = document.getElementById("copied");
    function copyByField(text) {
        var field = document.createElement("textarea");
        field.value = text;
        field.setAttribute("readonly", "");
        field.className = "off";
        document.body.appendChild(field);
        field.select();
        var done = document.execCommand("copy");
        field.remove();
        return done ? Promise.resolve() : Promise.reject();
    }
    function copy(text) {
        return navigator.clipboard && window.isSecureContext
            ? navigator.clipboard.writeText(text).catch(function () {
                  return copyByField(text);
              })
            : copyByField(text);
    }
    document.querySelectorAll("button[data-copy]").forEach(function (button) {
        button.hidden = false;
        button.addEventListener("click", function () {
            copy(button.dataset.copy).then(
                function () {
                    button.focus();
                    status.textContent = button.dataset.done;
                },
                function () {
                    status.textContent = button.dataset.failed;
                }
            );
        });
    });
})();
