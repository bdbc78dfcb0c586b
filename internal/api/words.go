package api

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"tincan"
)

// ExplainIn is [tincan.ExplainIn] for errors of this package too.
func ExplainIn(lang string, err error) (text, hint string, code tincan.Code) {
	var p *problem
	if errors.As(err, &p) {
		return p.text.in(lang), p.hint.in(lang), p.is.Code
	}
	return tincan.ExplainIn(lang, err)
}

// problem is a [tincan.Error] with the phrases that it was made from, to say them in another language.
type problem struct {
	is         *tincan.Error
	text, hint phrase
}

func (p *problem) Error() string { return p.is.Text }
func (p *problem) Unwrap() error { return p.is }

// fail makes a problem.
func fail(code tincan.Code, cause error, text, hint phrase) error {
	return &problem{&tincan.Error{Code: code, Text: text.in("en"), Hint: hint.in("en"), Err: cause}, text, hint}
}

// usage is a problem with what was asked for.
func usage(text, hint phrase) error { return fail(tincan.CodeUsage, nil, text, hint) }

// phrase is a format of the catalogue and its arguments.
type phrase struct {
	format string
	args   []any
}

func say(format string, args ...any) phrase { return phrase{format, args} }

// nothing is the hint where there is none to give.
var nothing phrase

func (p phrase) in(lang string) string {
	f := p.format
	if zh, ok := chinese[f]; ok && lang == "zh" {
		f = zh
	}
	if len(p.args) == 0 {
		return f
	}
	args := make([]any, len(p.args))
	for i, a := range p.args {
		if word, ok := a.(phrase); ok {
			a = word.in(lang)
		}
		args[i] = a
	}
	return fmt.Sprintf(f, args...)
}

// languageOf is the language that a request asks for: the first of its Accept-Language.
func languageOf(r *http.Request) string {
	if strings.HasPrefix(strings.ToLower(strings.TrimSpace(r.Header.Get("Accept-Language"))), "zh") {
		return "zh"
	}
	return "en"
}

// chinese is the catalogue of what a person may meet: an English format to the Chinese one with the same
// verbs in the same order. The gate is not in it: who meets that is a program, or not wanted.
var chinese = map[string]string{
	"the body is longer than %d bytes":                   "请求正文超过 %d 字节",
	"a message of up to 16 MiB fits as base64":           "16 MiB 以内的消息可以用 base64 发送",
	"the body did not arrive whole":                      "请求正文没有完整到达",
	"the body is not UTF-8":                              "请求正文不是 UTF-8",
	"send bytes that are not text as base64 or hex":      "不是文本的字节请用 base64 或 hex 发送",
	"the body is not a JSON object":                      "请求正文不是 JSON 对象",
	"send {} when there is nothing to say":               "没有内容时请发送 {}",
	"the body is not JSON: %v":                           "请求正文不是 JSON：%v",
	"something follows the JSON object":                  "JSON 对象之后还有内容",
	"send one object":                                    "请只发送一个对象",
	"no field %q here":                                   "这里没有字段 %q",
	"known: %s":                                          "可用：%s",
	"the field %q is there twice":                        "字段 %q 出现了两次",
	"the field %q is missing":                            "缺少字段 %q",
	"%q is a text, not %s":                               "%q 应为文本，而不是%s",
	"%q is a number, not %s":                             "%q 应为数字，而不是%s",
	"%q is a whole number, not %s":                       "%q 应为整数，而不是 %s",
	"%q holds half of a surrogate pair, not a character": "%q 含有半个代理对，不是字符",
	"a text":        "文本",
	"a number":      "数字",
	"an object":     "对象",
	"a list":        "列表",
	"true or false": "真假值",
	"null":          "空值",
	`a message is one of "text", "hex" and "base64"`:                           `消息是 "text"、"hex"、"base64" 三者之一`,
	"base64: it makes no sense at position %d":                                 "base64：第 %d 个字符处有误",
	"standard alphabet (+ and /), padded with =":                               "使用标准字母表（+ 和 /），以 = 补齐",
	`"do" is one of %s, not %q`:                                                `"do" 应为 %s 之一，而不是 %q`,
	"hex: no digits after %q at position %d":                                   "十六进制：%q（第 %d 个字符）之后没有数字",
	"hex: %q at position %d is not a hex digit":                                "十六进制：%q（第 %d 个字符）不是十六进制数字",
	"hex: %q at position %d is half a byte":                                    "十六进制：%q（第 %d 个字符）只有半个字节",
	`two digits a byte: 48 65, 4865, 0x48 0x65, \x48\x65`:                      `每字节两位：48 65、4865、0x48 0x65、\x48\x65`,
	"no events call of session %q is open":                                     "会话 %q 没有打开 events",
	"call events with this session first":                                      "请先用这个会话调用 events",
	"the session has ended":                                                    "会话已结束",
	"no tincan runs on the folder %s":                                          "文件夹 %s 上没有运行 tincan",
	"start one: tincan":                                                        "启动一个：tincan",
	"%s is damaged: %v":                                                        "%s 已损坏：%v",
	"remove it if no tincan runs on this folder":                               "如果没有 tincan 使用这个文件夹，请删除它",
	"choose a folder that you may write":                                       "请选择可以写入的文件夹",
	"%v":                                                                       "%v",
	"%q is not an address for the page":                                        "%q 不能作为页面的地址",
	"host:port, such as 127.0.0.1:8080":                                        "主机:端口，如 127.0.0.1:8080",
	"%q is not the name of a host":                                             "%q 不是主机名",
	"the name as browsers show it, in small letters":                           "浏览器地址栏中的小写名称",
	"the page is for this machine only, and %s is open to others":              "页面只供本机使用，而 %s 对外开放",
	"use 127.0.0.1:%s, or name the hosts by which others may reach it":         "使用 127.0.0.1:%s，或指明别人可用的主机名",
	"cannot serve the page on %s: %v":                                          "无法在 %s 提供页面：%v",
	"leave the port 0 for a free one":                                          "端口写 0 会自动选一个空闲的",
	"the tincan that ran on %s (pid %d, %s) does not answer":                   "在 %s 上运行的 tincan（pid %d，%s）没有回应",
	"the tincan that ran on %s (pid %d, %s) left no address":                   "在 %s 上运行的 tincan（pid %d，%s）没有留下有效地址",
	"the tincan that ran on %s (pid %d, %s) is gone, another program is there": "在 %s 上运行的 tincan（pid %d，%s）已不在，那里是另一个程序",
	"it has ended without tidying up: start one":                               "它没有正常结束：请重新启动一个",
	"%s answers %s, which is no answer of a tincan":                            "%s 的回应是 %s，不是 tincan 的回应",
	"the tincan at %s does not answer: %v":                                     "%s 的 tincan 没有回应：%v",
	"it may have ended: see tincan status":                                     "它可能已结束：请看 tincan status",
	"the tincan at %s has ended":                                               "%s 的 tincan 已结束",
	"it held the folder; start this command again to go on":                    "文件夹由它占用；重新运行此命令即可继续",
}
