(() => {
	const password = document.getElementById("password"), reveal = document.getElementById("reveal");
	const hash = location.pathname.includes("/callback/") ? "" : location.hash; // there it is the provider's
	if (hash.length > 1 && 2000 >= hash.length) {
		for (const field of document.getElementsByName("return_to")) if (!field.value.includes("#")) field.value += hash;
		for (const link of document.querySelectorAll(".providers a")) link.href += (link.search ? "&" : "?") + "fragment=" + encodeURIComponent(hash.slice(1));
		for (const link of document.querySelectorAll("a.next")) if (!link.hash) link.hash = hash;
	}
	if (!reveal) return;
	const show = shown => {
		password.type = shown ? "text" : "password";
		reveal.setAttribute("aria-pressed", shown);
	};
	reveal.hidden = false;
	reveal.addEventListener("click", () => show(password.type === "password"));
	password.form.addEventListener("submit", () => show(false));
})();
