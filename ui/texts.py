"""Every word of the page, in English and Chinese, and the choice between them.

Gradio chooses by the browser's language: the components get the name of the one that
was chosen as their label, `I18N("language")`, and look their words up in the tables that
Gradio has put into the page (texts.js).
"""

import gradio as gr

# A key and its English and Chinese words.
TEXTS = {
    "language": ("en", "zh"),
    "title": ("Draw a digit", "手写一个数字"),
    # The paper
    "paper": (
        "Paper: draw a digit from 0 to 9. With the keyboard: arrow keys move, Space puts the pen "
        "down and lifts it, Escape clears.",
        "画纸：写一个 0 到 9 的数字。用键盘时：方向键移动，空格键落笔和提笔，Esc 键清空。",
    ),
    "hint": (
        "with mouse, finger, pen or arrow keys and space: a neural network reads along",
        "用鼠标、手指、触控笔，或方向键加空格键书写，神经网络会边写边认",
    ),
    "undo": ("Undo", "撤销"),
    "redo": ("Redo", "重做"),
    "erase": ("Erase", "橡皮"),
    "clear": ("Clear", "清空"),
    "picture": ("Picture", "图片"),
    "camera": ("Photo", "拍照"),
    "link": ("Link", "链接"),
    "undo_keys": ("Undo (Ctrl+Z)", "撤销（Ctrl+Z）"),
    "redo_keys": ("Redo (Shift+Ctrl+Z)", "重做（Shift+Ctrl+Z）"),
    "erase_title": ("Erase whole strokes", "按笔画擦除"),
    "clear_keys": ("Clear (Escape)", "清空（Esc）"),
    "picture_title": ("Read a picture: choose, paste or drop one", "识别图片：选择、粘贴或拖入"),
    "camera_title": ("Read a photograph of a digit", "拍一张数字的照片来识别"),
    "link_title": ("Copy a link to this drawing", "复制这幅手写图的链接"),
    "pen_down": ("Pen down", "落笔"),
    "pen_up": ("Pen up", "提笔"),
    "link_copied": ("The link to this drawing is copied.", "链接已复制。"),
    "link_in_address": ("The link to this drawing is in the address bar.", "链接就在地址栏里。"),
    "link_too_long": (
        "This drawing is too long for a link. Draw it with less ink.",
        "笔画太多，放不进链接。请写得简单一些。",
    ),
    "link_unreadable": (
        "The drawing in this link can't be read: the link may be cut short.",
        "无法读取链接中的笔迹，链接可能不完整。",
    ),
    "not_a_picture": (
        "This file is not a picture that can be read. Take a PNG, JPEG or WebP file.",
        "无法把这个文件当作图片读取。请换用 PNG、JPEG 或 WebP 文件。",
    ),
    "refused": ("This can't be read: {reason}", "无法识别，请写得简单一些，或换一张图片。"),
    "no_answer": (
        "No answer from the server. Your drawing is kept; trying again.",
        "服务器没有响应。您写的内容已保留，正在重试。",
    ),
    "busy": (
        "Too many people are drawing at this moment. Your drawing is kept; trying again.",
        "现在写的人太多了。您写的内容已保留，正在重试。",
    ),
    "logged_out": (
        "You are logged out. Load the page again to log in; your drawing is kept.",
        "您已退出登录。请重新加载页面后登录，您写的内容会保留。",
    ),
    "renewed": (
        "There is a newer version of this page. Load it; your drawing is kept.",
        "本页有新版本。请重新加载，您写的内容会保留。",
    ),
    "reload": ("Load the page again", "重新加载页面"),
    # The chart
    "percents": ("How sure the network is of each digit", "神经网络对每个数字的把握"),
    "nothing": ("Nothing to read yet", "还没有可识别的内容"),
    "sure": ("Sure: {percent} %", "确定：{percent} %"),
    "not_sure": ("{digit} or {runner_up}? Not sure", "是 {digit} 还是 {runner_up}？不确定"),
    "no_digit": ("This does not look like a digit", "看起来不像数字"),
    # Examples
    "examples": ("Or watch one being drawn", "或者看看这些例子怎么写"),
    "slashed_0": ("0 with a slash", "带斜线的 0"),
    "flagged_1": ("1 with flag and foot", "带起笔和底横的 1"),
    "looped_2": ("2 with a loop", "底部绕圈的 2"),
    "flat_3": ("3 with a flat top", "平顶的 3"),
    "open_4": ("4 with an open top", "开口的 4"),
    "roofed_5": ("5 with its roof drawn last", "最后一笔写横的 5"),
    "round_6": ("6 in one stroke", "一笔写成的 6"),
    "crossed_7": ("7 with a bar", "带横杠的 7"),
    "ringed_8": ("8 of two rings", "两个圈的 8"),
    "straight_9": ("9 with a straight back", "竖笔写直的 9"),
    # Insight
    "saw": ("What the network saw", "神经网络看到的图像"),
    "saw_note": ("28 × 28 pixels", "28 × 28 像素"),
    "why": ("Why {digit} and not {runner_up}?", "为什么是 {digit} 而不是 {runner_up}？"),
    "why_nothing": ("Why?", "为什么？"),
    "why_note": ("What each pixel speaks for", "每个像素支持哪个数字"),
    "speaks_for": ("for {digit}", "支持 {digit}"),
    "sum": (
        "The pixels add up to {ink}, the network's constant is {constant}: {digit} is {times} "
        "times as likely as {runner_up}.",
        "各像素合计 {ink}，神经网络的常数项是 {constant}：{digit} "
        "的可能性是 {runner_up} 的 {times} 倍。",
    ),
    "simple": ("Compare with simple shrinking", "与直接缩小比较"),
    "simple_nothing": ("Simply shrunk", "直接缩小"),
    "simple_read": ("Shrunk: {digit}, {percent} %", "直接缩小：{digit}，{percent} %"),
    # Feedback
    "feedback": ("Teach the network", "教教神经网络"),
    "right": ("Right", "对了"),
    "wrong": ("Wrong? It was", "错了？其实是"),
    "consent": (
        "May this drawing be kept to teach the network? Kept are the strokes, the digit that you "
        "say it is, what the network answered and which network that was, and the time; nothing "
        "about you. This browser gets a random number, with which you can see, export and delete "
        "all that you gave.",
        "可以保存这幅手写图来教神经网络吗？保存的内容有：笔迹、您说的数字、神经网络的回答、"
        "是哪个神经网络，以及时间；不含任何关于您的信息。本浏览器会得到一个随机数，"
        "凭它您可以查看、导出和删除您给出的一切。",
    ),
    "agree": ("Keep it, and those that I give from now on", "保存，今后给出的也保存"),
    "decline": ("No", "不"),
    "kept": ("Kept as {digit}.", "已保存为 {digit}。"),
    "take_back": ("Take it back", "撤回"),
    "taken_back": ("It is deleted.", "已删除。"),
    "not_kept": ("It could not be kept. {reason}", "没能保存，请稍后再试。"),
    "no_store": ("The server does not answer. Try again.", "服务器没有响应，请重试。"),
    "yours": ("What you gave", "您给出的手写图"),
    "none_yours": ("This browser has given nothing.", "本浏览器还没有给出任何手写图。"),
    "export": ("Export", "导出"),
    "delete": ("Delete {digit}", "删除 {digit}"),
    "delete_all": ("Delete all", "全部删除"),
    "answered_by": ("Answered by network {network}", "由网络 {network} 回答"),
    "side_by_side": (
        "This drawing, read by the network that answers now and by the one before it",
        "同一幅手写图：现在的网络与之前的网络的回答",
    ),
    "now": ("now: {network}", "现在：{network}"),
    "before": ("before: {network}", "之前：{network}"),
    # Invitation
    "invitation": ("Open this page on a phone", "在手机上打开本页"),
    "invitation_note": (
        "Point the phone's camera at the code, or open the address.",
        "用手机相机对准二维码，或打开这个网址。",
    ),
    # About
    "about": ("About this network", "关于这个神经网络"),
    "network": ("Network", "网络"),
    "data": ("Data", "数据"),
    "layers": ("Layers", "层"),
    "parameters": ("Parameters", "参数量"),
    "trained": ("Trained", "训练日期"),
    "recipe": ("Recipe", "训练方法"),
    "recipe_value": (
        "{name}, {epochs} epochs, seed {seed}",
        "{name}，{epochs} 轮，随机种子 {seed}",
    ),
    "recipe_steps": ("{name}, {steps} steps, seed {seed}", "{name}，{steps} 步，随机种子 {seed}"),
    "test_accuracy": ("MNIST's test images read right", "MNIST 测试集正确率"),
    "drawings_accuracy": ("Drawings of other people read right", "他人手写的正确率"),
    "confusion": (
        "Confusion matrix of MNIST's test images: the digit (row) and what it was read as (column)",
        "MNIST 测试集的混淆矩阵：实际数字（行）与识别结果（列）",
    ),
    "digit": ("Digit", "数字"),
}
ENGLISH, CHINESE = ({key: words[i] for key, words in TEXTS.items()} for i in (0, 1))

I18N = gr.I18n(en=ENGLISH, zh=CHINESE)
