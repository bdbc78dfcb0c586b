package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// element is something on the page as a screen reader meets it: by its role and its accessible name.
type element struct {
	tab        *tab
	id         cdp.BackendNodeID // 0: the document
	role, name string
	state      map[string]string // checked, disabled, expanded, value …
}

// all returns what has a role, in the order of the page. What a screen reader does not meet is left out.
func (e element) all(role string) ([]element, error) {
	p := accessibility.QueryAXTreeParams{Role: role, BackendNodeID: e.id}
	if e.id == 0 {
		doc, err := chromedp.Run(e.tab.ctx, chromedp.Evaluate[*runtime.RemoteObject]("document"))
		if err != nil {
			return nil, err
		}
		p.ObjectID = doc.ObjectID
	}
	r, err := chromedp.Call(e.tab.ctx, accessibility.QueryAXTree, p)
	if err != nil {
		return nil, err
	}
	var out []element
	for _, n := range r.Nodes {
		if n.Ignored || n.BackendDOMNodeID == e.id && e.id != 0 {
			continue
		}
		x := element{tab: e.tab, id: n.BackendDOMNodeID, role: role, name: value(n.Name), state: map[string]string{"value": value(n.Value)}}
		for _, prop := range n.Properties {
			x.state[string(prop.Name)] = value(prop.Value)
		}
		out = append(out, x)
	}
	return out, nil
}

// value is a value of the accessibility tree as text.
func value(v *accessibility.Value) string {
	if v == nil || len(v.Value) == 0 {
		return ""
	}
	var s string
	if json.Unmarshal(v.Value, &s) == nil {
		return s
	}
	return string(v.Value)
}

// is reports whether the element has a name: a string is all of it, a regular expression some of it.
func (e element) is(name any) bool {
	switch n := name.(type) {
	case string:
		return e.name == n
	case *regexp.Regexp:
		return n.MatchString(e.name)
	}
	panic(fmt.Sprintf("a name is a string or a regular expression, not %T", name))
}

// one returns the only element with a role and a name.
func (e element) one(role string, name any) (element, error) {
	all, err := e.all(role)
	if err != nil {
		return element{}, err
	}
	var names []string
	var found []element
	for _, x := range all {
		names = append(names, x.name)
		if x.is(name) {
			found = append(found, x)
		}
	}
	switch len(found) {
	case 0:
		return element{}, fmt.Errorf("no %s is called %q; there are %q", role, name, names)
	case 1:
		return found[0], nil
	}
	return element{}, fmt.Errorf("%d of role %s are called %q: %q", len(found), role, name, names)
}

// find waits until there is exactly one element with a role and a name.
func (e element) find(role string, name any) (found element) {
	e.tab.t.Helper()
	e.tab.until(func() (err error) {
		found, err = e.one(role, name)
		return err
	})
	return found
}

// gone waits until there is none.
func (e element) gone(role string, name any) {
	e.tab.t.Helper()
	e.tab.until(func() error {
		all, err := e.all(role)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(all, func(x element) bool { return x.is(name) }) {
			return fmt.Errorf("a %s called %q is still there", role, name)
		}
		return nil
	})
}

// on calls a JavaScript function with an element as its this.
func on[T any](e element, f string, args ...any) (T, error) {
	var zero T
	r, err := chromedp.Call(e.tab.ctx, dom.ResolveNode, dom.ResolveNodeParams{BackendNodeID: e.id})
	if err != nil {
		return zero, err
	}
	return chromedp.Run(e.tab.ctx, chromedp.CallFunctionOn[T](f, func(p *runtime.CallFunctionOnParams) { p.ObjectID = r.Object.ObjectID }, args...))
}

// must is on, for a test that cannot go on without.
func must[T any](e element, f string, args ...any) T {
	e.tab.t.Helper()
	v, err := on[T](e, f, args...)
	if err != nil {
		e.tab.t.Fatalf("%s on the %s %q: %v", quote(f), e.role, e.name, err)
	}
	return v
}

// inner is what can be read in an element.
func (e element) inner() string {
	e.tab.t.Helper()
	return must[string](e, "function() { return this.innerText }")
}

// reads waits until all of these can be read in what has a role and a name.
func (e element) reads(role string, name any, want ...string) {
	e.tab.t.Helper()
	e.tab.until(func() error {
		x, err := e.one(role, name)
		if err != nil {
			return err
		}
		s, err := on[string](x, "function() { return this.innerText || this.value || '' }")
		if err != nil {
			return err
		}
		if err := holds(s, want); err != nil {
			return fmt.Errorf("in the %s %q: %w: %s", role, x.name, err, quote(s))
		}
		return nil
	})
}

// click presses and releases the left mouse button on what has a role and a name, as soon as it is there,
// enabled and not covered by something else.
func (e element) click(role string, name any) {
	e.tab.t.Helper()
	e.tab.until(func() error {
		x, err := e.one(role, name)
		if err != nil {
			return err
		}
		return x.press()
	})
}

// press clicks on the middle of the element.
func (e element) press() error {
	if e.state["disabled"] == "true" {
		return fmt.Errorf("the %s %q is disabled", e.role, e.name)
	}
	x, y, err := e.middle()
	if err != nil {
		return err
	}
	top, err := on[bool](e, `function(x, y) {
		const hit = document.elementFromPoint(x, y)
		return !!hit && (this.contains(hit) || hit.contains(this) && !!hit.closest("label") || [...(this.labels ?? [])].some(l => l.contains(hit)))
	}`, x, y)
	if err != nil {
		return err
	}
	if !top {
		return fmt.Errorf("the %s %q is covered", e.role, e.name)
	}
	return chromedp.Do(e.tab.ctx, chromedp.MouseEvent(chromedp.MouseMoved, x, y), chromedp.MouseClickXY(x, y))
}

// middle scrolls the element into view and returns where its middle is.
func (e element) middle() (x, y float64, err error) {
	if _, err := chromedp.Call(e.tab.ctx, dom.ScrollIntoViewIfNeeded, dom.ScrollIntoViewIfNeededParams{BackendNodeID: e.id}); err != nil {
		return 0, 0, fmt.Errorf("the %s %q: %w", e.role, e.name, err)
	}
	r, err := chromedp.Call(e.tab.ctx, dom.GetContentQuads, dom.GetContentQuadsParams{BackendNodeID: e.id})
	if err != nil {
		return 0, 0, fmt.Errorf("the %s %q: %w", e.role, e.name, err)
	}
	if len(r.Quads) == 0 || len(r.Quads[0]) != 8 {
		return 0, 0, fmt.Errorf("the %s %q is not visible", e.role, e.name)
	}
	q := r.Quads[0]
	return (q[0] + q[2] + q[4] + q[6]) / 4, (q[1] + q[3] + q[5] + q[7]) / 4, nil
}

// keys presses keys one after another, those of package kb too, in what has the focus. A key whose press the page
// takes for itself types nothing, as with a real keyboard: hence the raw key and its character apart.
func (b *tab) keys(keys string, modifiers ...chromedp.Modifier) {
	b.t.Helper()
	var held chromedp.Modifier
	for _, m := range modifiers {
		held |= m
	}
	for _, r := range keys {
		for _, k := range kb.Encode(r) {
			if k.Type == kb.KeyDown {
				k.Type = kb.KeyRawDown
			}
			if k.Modifiers |= int64(held); k.Type == kb.KeyChar && held&(chromedp.ModifierCtrl|chromedp.ModifierAlt) != 0 {
				continue
			}
			if _, err := chromedp.Call(b.ctx, input.DispatchKeyEvent, *k); err != nil {
				b.t.Fatal(err)
			}
		}
	}
}

// fill replaces what stands in a text box, as a person does: click, select all, type.
func (e element) fill(role string, name any, text string) {
	e.tab.t.Helper()
	e.click(role, name)
	e.tab.keys("a", chromedp.ModifierCtrl)
	e.tab.keys(kb.Delete)
	e.tab.types(text)
}

// types types a text where the focus is; a line end is Shift+Enter. What no key stands for comes as from an
// input method.
func (b *tab) types(text string) {
	b.t.Helper()
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			b.keys(kb.Enter, chromedp.ModifierShift)
		}
		ascii := !strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '~' })
		if ascii && len(line) < 200 {
			b.keys(line)
			continue
		}
		if _, err := chromedp.Call(b.ctx, input.InsertText, input.InsertTextParams{Text: line}); err != nil {
			b.t.Fatal(err)
		}
	}
}

// compose has an input method compose letters where the focus is; the next text that is typed ends it.
func (b *tab) compose(letters string) {
	b.t.Helper()
	end := int64(len(letters))
	if _, err := chromedp.Call(b.ctx, input.ImeSetComposition, input.ImeSetCompositionParams{Text: letters, SelectionStart: end, SelectionEnd: end}); err != nil {
		b.t.Fatal(err)
	}
}

// accept presses the Enter that an input method takes for itself: the page sees the key, no text comes of it.
func (b *tab) accept() {
	b.t.Helper()
	for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeRawKeyDown, input.DispatchKeyEventTypeKeyUp} {
		if _, err := chromedp.Call(b.ctx, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: kind, Key: "Enter", Code: "Enter",
			WindowsVirtualKeyCode: 229}); err != nil {
			b.t.Fatal(err)
		}
	}
}

// choose takes an option of a combo box with the keyboard: a list of choices or a field that offers some. An
// option may go on with a colon and an explanation.
func (e element) choose(name any, option string) {
	e.tab.t.Helper()
	box := e.find("combobox", name)
	if !must[bool](box, "function() { return this instanceof HTMLSelectElement }") {
		e.fill("combobox", name, option)
		return
	}
	options := box.options()
	at := slices.IndexFunc(options, func(o string) bool {
		rest, ok := strings.CutPrefix(o, option)
		return ok && (rest == "" || strings.HasPrefix(rest, ":") || strings.HasPrefix(rest, "："))
	})
	if at < 0 {
		e.tab.t.Fatalf("the combo box %q does not offer %q but %q", box.name, option, options)
	}
	e.focus("combobox", box.name)
	e.tab.keys(" " + kb.Home + strings.Repeat(kb.ArrowDown, at) + kb.Enter) // opens it, walks, takes
	e.tab.until(func() error {
		if got, err := on[string](box, "function() { return this.selectedOptions[0].label }"); err != nil || got != options[at] {
			return fmt.Errorf("the combo box %q is at %q, want %q (%v)", box.name, got, options[at], err)
		}
		return nil
	})
}

// focus moves the keyboard's focus to what has a role and a name, or to what in it can have it.
func (e element) focus(role string, name any) {
	e.tab.t.Helper()
	e.tab.until(func() error {
		x, err := e.one(role, name)
		if err != nil {
			return err
		}
		ok, err := on[bool](x, `function() {
			(this.tabIndex >= 0 ? this : this.closest("[tabindex='0']") ?? this.querySelector("[tabindex='0']") ?? this).focus()
			return document.activeElement !== document.body
		}`)
		if err == nil && !ok {
			err = fmt.Errorf("the %s %q does not take the focus", role, x.name)
		}
		return err
	})
}

// options are the words that a combo box offers.
func (e element) options() []string {
	e.tab.t.Helper()
	return must[[]string](e, "function() { return [...(this.options ?? this.list?.options ?? [])].map(o => o.label || o.value) }")
}

// focused is what has the focus.
func (b *tab) focused() (element, error) {
	o, err := chromedp.Run(b.ctx, chromedp.Evaluate[*runtime.RemoteObject]("document.activeElement"))
	if err != nil {
		return element{}, err
	}
	r, err := chromedp.Call(b.ctx, accessibility.GetPartialAXTree, accessibility.GetPartialAXTreeParams{ObjectID: o.ObjectID, FetchRelatives: new(bool)})
	if err != nil {
		return element{}, err
	}
	if len(r.Nodes) == 0 {
		return element{}, errors.New("nothing has the focus")
	}
	n := r.Nodes[0]
	return element{tab: b, id: n.BackendDOMNodeID, role: value(n.Role), name: value(n.Name)}, nil
}
