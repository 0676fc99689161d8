(() => {
	const hash = location.hash, here = location.pathname + location.search;
	if (2 > hash.length || hash.length > 2000) return;
	for (const field of document.getElementsByName("return_to")) if (!field.value.includes("#")) field.value += hash;
	for (const link of document.links) {
		const query = new URLSearchParams(link.search), to = query.get("return_to") || (here === "/" ? here : "");
		if (link.getAttribute("href") === "") link.addEventListener("click", event => { // a link to what is shown would only scroll
			if (event.ctrlKey || event.metaKey || event.shiftKey) return;
			event.preventDefault();
			location.reload();
		});
		else if (link.classList.contains("along") && to && !to.includes("#")) {
			query.set("return_to", to + hash);
			link.search = query;
		}
	}
})();
